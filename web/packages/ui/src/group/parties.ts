/** Parties as people type them: separated by commas, spaces or lines, with or without `user/`. */

const PARTY = /^(user|device|bot|guest)\/[A-Za-z0-9._~@+-]{1,64}$/;

/** What was typed, as parties; `wrong` is the first thing that is none. */
export function partiesOf(text: string): { parties: string[]; wrong: string } {
  const parties: string[] = [];
  for (const word of text.split(/[\s,，、;；]+/u).filter(Boolean)) {
    const party = word.includes("/") ? word : `user/${word}`;
    if (!PARTY.test(party)) return { parties, wrong: word };
    if (!parties.includes(party)) parties.push(party);
  }
  return { parties, wrong: "" };
}
