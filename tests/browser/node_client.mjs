// One participant on LiveKit's library for Node: speaks a tone, greets by data, and tells what it hears and gets.
// Usage: node node_client.mjs URL TOKEN. Every line it prints is JSON; it leaves when its input ends.
import { AudioFrame, AudioSource, AudioStream, LocalAudioTrack, Room, RoomEvent, TrackKind, TrackPublishOptions,
  TrackSource, dispose } from "@livekit/rtc-node";

const [url, token] = process.argv.slice(2);
const RATE = 48000, FRAME = RATE / 100;
const tell = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const room = new Room();

async function listen(track, identity) {
  let frames = 0;
  for await (const frame of new AudioStream(track, RATE, 1)) {
    let sum = 0;
    for (const sample of frame.data) sum += sample * sample;
    frames += 1;
    if (frames % 20 === 0) tell({ heard: identity, frames, loudness: Math.sqrt(sum / frame.data.length) });
  }
}

room.on(RoomEvent.TrackSubscribed, (track, _publication, participant) => {
  if (track.kind === TrackKind.KIND_AUDIO) void listen(track, participant.identity);
});
room.on(RoomEvent.DataReceived, (data, participant) =>
  tell({ message: new TextDecoder().decode(data), from: participant?.identity }));

await room.connect(url, token, { autoSubscribe: true, dynacast: false });
tell({ joined: room.localParticipant.identity });
const source = new AudioSource(RATE, 1);
const track = LocalAudioTrack.createAudioTrack("mic", source);
const options = new TrackPublishOptions();
options.source = TrackSource.SOURCE_MICROPHONE;
await room.localParticipant.publishTrack(track, options);
await room.localParticipant.publishData(new TextEncoder().encode("hello from node"), { reliable: true });

let going = true;
process.stdin.on("end", () => { going = false; });
process.stdin.resume();
let sample = 0;
while (going) {
  const wave = Int16Array.from({ length: FRAME }, () => 8000 * Math.sin((2 * Math.PI * 440 * sample++) / RATE));
  await source.captureFrame(new AudioFrame(wave, RATE, 1, FRAME));
}
await room.disconnect();
await dispose();
process.exit(0);
