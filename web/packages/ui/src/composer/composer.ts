/**
 * `<tl-composer>`: writes messages: text with mentions and emoji, files, voice, cards; answers, edits, drafts.
 *
 * Everything is handed to the client, which keeps it on this device first. Not here: mentions
 * (`mentioning.ts`), the microphone (`recorder.ts`), uploads (`uploads.ts`), how those look (`parts.ts`).
 */

import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Conversation, Message, SendOptions } from "@trunkline/core";

import "../base/avatar.js";
import { TlElement } from "../base/element.js";
import { icon } from "../base/icons.js";
import "../base/menu.js";
import type { MenuItem, TlMenu } from "../base/menu.js";
import { contentOf, summaryOf, textOf } from "../messages/summary.js";
import { buttonStyles, fieldStyles } from "../theme/base.js";
import "./card-maker.js";
import type { MadeCard, TlCardMaker } from "./card-maker.js";
import "./emoji-picker.js";
import type { TlEmojiPicker } from "./emoji-picker.js";
import { Mentioning, type Writing } from "./mentioning.js";
import { above, recordingBar, uploadList } from "./parts.js";
import { canRecord, Recorder } from "./recorder.js";
import { composerStyles } from "./styles.js";
import { Uploads } from "./uploads.js";

/** What the server takes in one text. */
const MAX_CHARS = 20_000;

/**
 * Writes to a conversation or a thread.
 *
 * @fires tl-sent - `{key}`: a message is on this device's disk and on its way.
 * @fires tl-edit-last - the up arrow in an empty field: somebody wants to change their last message.
 * @fires tl-error - `{error}`.
 */
@customElement("tl-composer")
export class TlComposer extends TlElement implements Writing {
  static override styles = [...[TlElement.styles].flat(), buttonStyles, fieldStyles, composerStyles];

  /** The conversation: its id, or a party for a direct one. */
  @property() conversation = "";
  /** Write replies in the thread of this message. */
  @property({ type: Number }) thread = 0;
  /** The message being answered. */
  @property({ attribute: false }) replying: Message | undefined;
  /** The message being changed. */
  @property({ attribute: false }) editing: Message | undefined;
  /** No files, voice and cards. */
  @property({ type: Boolean, attribute: "text-only" }) textOnly = false;

  @state() private text = "";
  @state() private dropping = false;
  @state() private recorder: Recorder | undefined;
  @state() private problem = "";
  @query("textarea") private readonly field!: HTMLTextAreaElement;
  @query("tl-menu") private readonly menu!: TlMenu;
  @query("tl-emoji-picker") private readonly picker!: TlEmojiPicker;
  @query("tl-card-maker") private readonly maker!: TlCardMaker;
  @query("input[type=file]") private readonly files!: HTMLInputElement;

  private readonly mentions = new Mentioning(this);
  private readonly uploads = new Uploads(() => this.requestUpdate());
  private draftOf = "";
  private textBefore = "";
  private ticking: ReturnType<typeof setInterval> | undefined;

  /** Answer a message. */
  reply(message: Message): void {
    if (this.editing !== undefined) this.stopEditing();
    this.replying = message;
    void this.updateComplete.then(() => this.focus());
  }

  /** Change a message. */
  edit(message: Message): void {
    this.replying = undefined;
    if (this.editing === undefined) this.textBefore = this.text;
    this.editing = message;
    this.text = textOf(contentOf(message)["text"]);
    this.mentions.begin(message.mentions);
    void this.updateComplete.then(() => {
      this.focus();
      this.field?.setSelectionRange(this.text.length, this.text.length);
    });
  }

  /** Put the caret into the text. */
  override focus(options?: FocusOptions): void {
    this.field?.focus(options);
  }

  /** Upload files and send each as a message. */
  addFiles(list: Iterable<File>): void {
    const { client } = this;
    if (client === undefined || this.textOnly) return;
    for (const file of list) {
      void this.uploads.send(client, this.conversation, file, file.name || "file", this.options()).catch(() => undefined);
      this.replying = undefined;
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.recorder?.cancel();
    this.recorder = undefined;
    clearInterval(this.ticking);
  }

  private get about(): Conversation | undefined {
    return this.watch("conversation", (client) => client.conversations.one(this.conversation));
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    const draftOf = `${this.conversation} ${this.thread}`;
    if (this.draftOf !== draftOf) {
      this.draftOf = draftOf;
      this.replying = this.editing = undefined;
      this.mentions.begin();
      this.text = this.thread > 0 ? "" : (this.client?.conversations.one(this.conversation).get()?.draft ?? "");
    }
    if (changed.has("client") && this.text === "" && this.thread === 0 && this.conversation !== "")
      this.text = this.client?.conversations.one(this.conversation).get()?.draft ?? "";
  }

  protected override updated(changed: Map<PropertyKey, unknown>): void {
    super.updated(changed);
    if (this.field !== null && changed.has("text")) {
      this.field.style.setProperty("block-size", "auto");
      this.field.style.setProperty("block-size", `${this.field.scrollHeight}px`);
    }
  }

  // ------------------------------------------------------------ writing

  private options(): SendOptions {
    const options: SendOptions = {};
    if (this.thread > 0) options.thread = this.thread;
    if (this.replying !== undefined) options.reply_to = this.replying.seq;
    return options;
  }

  private get length(): number {
    return [...this.text].length;
  }

  private async send(): Promise<void> {
    const { client, editing } = this;
    const text = this.text.trim();
    if (client === undefined || text === "" || this.length > MAX_CHARS) return;
    this.problem = "";
    if (editing !== undefined) {
      this.stopEditing();
      if (text !== textOf(contentOf(editing)["text"]))
        await client.edit(editing.conversation, editing.seq, { ...contentOf(editing), text }).catch((error: unknown) => this.failed(error));
      return;
    }
    const options = this.options();
    const mentions = this.mentions.in(text);
    if (mentions.length > 0) options.mentions = mentions;
    this.change("");
    this.replying = undefined;
    this.mentions.begin();
    const handle = client.send(this.conversation, text, options);
    // A refusal is shown at the message itself.
    handle.sent.catch(() => undefined);
    try {
      const { key } = await handle.stored;
      this.emit("tl-sent", { key });
    } catch (error) {
      this.change(text);
      this.failed(error);
    }
  }

  private failed(error: unknown): void {
    this.problem = this.t("failed_because", { reason: this.explain(error) });
    this.emit("tl-error", { error });
  }

  private change(text: string): void {
    this.text = text;
    if (this.thread === 0 && this.editing === undefined) this.client?.conversations.setDraft(this.conversation, text);
  }

  private onInput(): void {
    this.change(this.field.value);
    this.problem = "";
    const { client } = this;
    if (client !== undefined && this.text !== "") client.setTyping(this.conversation, true);
    void this.mentions.look();
  }

  private stopEditing(): void {
    this.editing = undefined;
    this.text = this.textBefore;
    this.textBefore = "";
  }

  private onKey(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (this.mentions.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && !matchMedia("(pointer: coarse)").matches) {
      event.preventDefault();
      void this.send();
    } else if (event.key === "Escape" && (this.editing !== undefined || this.replying !== undefined)) {
      event.preventDefault();
      event.stopPropagation();
      if (this.editing !== undefined) this.stopEditing();
      this.replying = undefined;
    } else if (event.key === "ArrowUp" && this.text === "" && this.editing === undefined) {
      event.preventDefault();
      this.emit("tl-edit-last");
    }
  }

  private onPaste(event: ClipboardEvent): void {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0 || this.textOnly) return;
    event.preventDefault();
    this.addFiles(files);
  }

  private insert(text: string): void {
    const at = this.field.selectionStart;
    this.rewrite(this.text.slice(0, at) + text + this.text.slice(this.field.selectionEnd), at + text.length);
  }

  /** What is written so far, and where the caret is. */
  get written(): string {
    return this.text;
  }

  get caret(): number {
    return this.field.selectionStart;
  }

  /** Replace the text, with the caret at a place. */
  rewrite(text: string, caret: number): void {
    this.change(text);
    void this.updateComplete.then(() => {
      this.field.focus();
      this.field.setSelectionRange(caret, caret);
    });
  }

  // ------------------------------------------------------------ other things to send

  private async record(): Promise<void> {
    this.problem = "";
    try {
      this.recorder = await Recorder.start();
      this.ticking = setInterval(() => this.requestUpdate(), 100);
      await this.updateComplete;
      this.renderRoot.querySelector<HTMLElement>(".send")?.focus();
    } catch {
      this.problem = this.t("microphone_refused");
    }
  }

  private async endRecording(keep: boolean): Promise<void> {
    const { recorder, client } = this;
    this.recorder = undefined;
    clearInterval(this.ticking);
    if (recorder === undefined) return;
    if (!keep || client === undefined) recorder.cancel();
    else {
      const { blob, duration_ms, waveform } = await recorder.stop();
      const name = `voice.${blob.type.includes("ogg") ? "ogg" : blob.type.includes("mp4") ? "m4a" : "webm"}`;
      void this.uploads.send(client, this.conversation, blob, name, this.options(), { duration_ms, waveform }).catch(() => undefined);
      this.replying = undefined;
    }
    await this.updateComplete;
    this.focus();
  }

  private addMore(event: Event): void {
    const items: MenuItem[] = [
      { label: this.t("attach"), icon: "paperclip", run: () => this.files.click() },
      { label: this.t("card_poll"), icon: "poll", run: () => void this.maker.make("poll") },
      { label: this.t("card_event"), icon: "calendar", run: () => void this.maker.make("event") },
      { label: this.t("card_todo"), icon: "list", run: () => void this.maker.make("todo") },
    ];
    if ("geolocation" in navigator && isSecureContext)
      items.push({
        label: this.t("card_location"),
        icon: "map_pin",
        run: () =>
          navigator.geolocation.getCurrentPosition(
            ({ coords: { latitude, longitude } }) => {
              this.client?.send(this.conversation, { latitude, longitude }, { ...this.options(), type: "location" }).sent.catch(() => undefined);
            },
            (error) => (this.problem = this.t("failed_because", { reason: error.message })),
          ),
      });
    void this.menu.show(event.currentTarget as HTMLElement, items);
  }

  private made(event: CustomEvent<MadeCard>): void {
    event.stopPropagation();
    const { kind, data } = event.detail;
    this.client?.cards.create(this.conversation, kind, data, this.options()).sent.catch(() => undefined);
    this.replying = undefined;
    this.focus();
  }

  // ------------------------------------------------------------ drawing

  /** Why nothing can be written here; "" when it can. */
  private closedBecause(about: Conversation | undefined): string {
    if (about === undefined) return "";
    if (about.dismissed) return this.t("is_dismissed");
    if (about.left_seq > 0) return this.t("you_left");
    if (about.muted_until_ms > Date.now()) return this.t("you_are_muted", { when: this.localizer.recent(about.muted_until_ms) });
    if (about.muted_all && about.role === "member") return this.t("all_muted");
    return "";
  }

  protected override render(): TemplateResult {
    const { about } = this;
    this.mentions.find(about);
    const closed = this.closedBecause(about);
    if (closed !== "") return html`<div class="closed">${icon("block", "small")}<span>${closed}</span></div>`;
    return html`<div
        @dragover=${(event: DragEvent) => {
          if (this.textOnly || !event.dataTransfer?.types.includes("Files")) return;
          event.preventDefault();
          this.dropping = true;
        }}
        @dragleave=${() => (this.dropping = false)}
        @drop=${(event: DragEvent) => {
          event.preventDefault();
          this.dropping = false;
          this.addFiles(event.dataTransfer?.files ?? []);
        }}
      >
        ${this.mentions.list()} ${this.above()} ${uploadList(this.uploads, this.localizer, (error) => this.explain(error))}
        ${this.problem === "" ? nothing : html`<p class="long" role="alert">${this.problem}</p>`}
        ${this.length > MAX_CHARS ? html`<p class="long" role="status">${this.t("too_long", { count: this.length - MAX_CHARS })}</p>` : nothing}
        <div class="bar">${this.recorder === undefined ? this.writingBar(about) : recordingBar(this.recorder, this.localizer, (keep) => void this.endRecording(keep))}</div>
        ${this.dropping ? html`<div class="drop">${this.t("drop_files")}</div>` : nothing}
      </div>
      <input type="file" multiple hidden tabindex="-1" aria-hidden="true"
        @change=${() => {
          this.addFiles(this.files.files ?? []);
          this.files.value = "";
        }} />
      <tl-menu label=${this.t("add_more")}></tl-menu><tl-emoji-picker popup></tl-emoji-picker>
      <tl-card-maker @tl-card-made=${this.made}></tl-card-maker>`;
  }

  private writingBar(about: Conversation | undefined): TemplateResult {
    const label = this.thread > 0 ? this.t("composer_reply") : about?.name ? this.t("composer_to", { name: about.name }) : this.t("composer");
    const ready = this.text.trim() !== "" && this.length <= MAX_CHARS;
    const offersVoice = !ready && this.editing === undefined && !this.textOnly && canRecord();
    const { candidates, chosen } = this.mentions;
    const option = candidates.length > 0 ? `option-${chosen}` : nothing;
    return html`${this.textOnly
        ? nothing
        : html`<button type="button" class="icon-button" aria-label=${this.t("add_more")} title=${this.t("add_more")} aria-haspopup="menu" @click=${this.addMore}>${icon("plus")}</button>`}
      <div class="box">
        <textarea rows="1" dir="auto" placeholder=${label} aria-label=${label} .value=${this.text}
          aria-autocomplete="list" aria-controls=${candidates.length > 0 ? "mentions" : nothing} aria-activedescendant=${option}
          @input=${this.onInput} @keydown=${this.onKey} @paste=${this.onPaste} @blur=${() => this.client?.setTyping(this.conversation, false)}></textarea>
        <button type="button" class="icon-button" aria-label=${this.t("emoji")} title=${this.t("emoji")} aria-haspopup="dialog"
          @click=${async (event: Event) => {
            const key = await this.picker.pick(event.currentTarget as HTMLElement);
            if (key !== undefined) this.insert(key);
          }}>${icon("smile")}</button>
      </div>
      ${offersVoice
        ? html`<button type="button" class="icon-button send" aria-label=${this.t("record")} title=${this.t("record")} @click=${this.record}>${icon("mic")}</button>`
        : html`<button type="button" class="icon-button primary send" aria-label=${this.t(this.editing === undefined ? "send" : "save")} title=${this.t(this.editing === undefined ? "send" : "save")}
            ?disabled=${!ready} @click=${this.send}>${icon(this.editing === undefined ? "send" : "check")}</button>`}`;
  }

  private above(): TemplateResult | typeof nothing {
    const message = this.editing ?? this.replying;
    if (message === undefined) return nothing;
    const speaker = { localizer: this.localizer, self: this.client?.party ?? "", nameOf: (party: string) => this.nameOf(party) };
    const title = this.editing === undefined ? this.t("replying_to", { name: message.mine ? this.t("you") : this.nameOf(message.sender) }) : this.t("editing");
    const end = (): void => {
      if (this.editing !== undefined) this.stopEditing();
      this.replying = undefined;
      this.focus();
    };
    return above(title, summaryOf(message, speaker), this.t(this.editing === undefined ? "stop_replying" : "stop_editing"), end);
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-composer": TlComposer;
  }
}
