/**
 * A call as its component shows it: LiveKit's room behind one observable snapshot, and the few things one can do.
 *
 * Media, layers, reconnecting and bandwidth are `livekit-client`'s. Not here: the preview before joining (`preview.ts`),
 * anything drawn.
 */

import {
  ConnectionState,
  Room,
  RoomEvent,
  Track,
  type LocalTrack,
  type Participant,
  type RemoteTrack,
  type TrackPublication,
} from "livekit-client";

import { decodeSignal, encodeSignal, TOPIC, type Signal } from "./signals.js";
import { StatsFollower, type CallStats } from "./stats.js";

const STATS_MS = 1_000;
const REACTION_MS = 3_500;

/** One picture in the call: a person, or a screen somebody shares. */
export interface CallTile {
  id: string;
  identity: string;
  /** Who it is, such as `user/ann`. */
  party: string;
  local: boolean;
  screen: boolean;
  muted: boolean;
  /** The track to show; undefined while there is no picture. */
  video: Track | undefined;
  speaking: boolean;
  /** When they last spoke (ms of the page's clock), 0 for never. */
  spoke_ms: number;
  quality: string;
  hand: boolean;
  reaction: string;
}

export interface CallView {
  tiles: readonly CallTile[];
  reconnecting: boolean;
  /** The browser plays no sound before somebody touches the page. */
  silent: boolean;
  microphone: boolean;
  camera: boolean;
  screen: boolean;
  hand: boolean;
}

/** What a call tells besides its view. */
export type CallNews =
  | { kind: "joined" | "left" | "hand"; party: string }
  | { kind: "reaction"; party: string; reaction: string }
  | { kind: "ended"; reason: number | undefined }
  | { kind: "stats"; stats: CallStats };

/** One stay in a call. */
export class CallSession {
  readonly room = new Room({ adaptiveStream: true, dynacast: true });
  private readonly hands = new Set<string>();
  private readonly reactions = new Map<string, string>();
  private readonly spoke = new Map<string, number>();
  private readonly stats = new StatsFollower();
  private timer: ReturnType<typeof setInterval> | undefined;
  private told = false;

  constructor(
    private readonly changed: () => void,
    private readonly news: (news: CallNews) => void,
  ) {
    const { room } = this;
    const draw = [
      RoomEvent.TrackMuted, RoomEvent.TrackUnmuted, RoomEvent.TrackSubscribed, RoomEvent.TrackUnsubscribed, RoomEvent.TrackPublished,
      RoomEvent.TrackUnpublished, RoomEvent.LocalTrackPublished, RoomEvent.LocalTrackUnpublished, RoomEvent.ConnectionQualityChanged,
      RoomEvent.ConnectionStateChanged, RoomEvent.AudioPlaybackStatusChanged, RoomEvent.TrackStreamStateChanged,
    ] as const;
    for (const event of draw) room.on(event as RoomEvent.TrackMuted, () => this.tell());
    room.on(RoomEvent.ActiveSpeakersChanged, (speakers) => this.heard(speakers));
    room.on(RoomEvent.ParticipantConnected, (person) => this.came(person));
    room.on(RoomEvent.ParticipantDisconnected, (person) => this.went(person));
    room.on(RoomEvent.DataReceived, (bytes, person, _kind, topic) => this.took(bytes, person, topic));
    room.on(RoomEvent.Disconnected, (reason) => this.ended(reason));
  }

  /** Enter with the tracks of the preview. */
  async join(url: string, token: string, tracks: readonly LocalTrack[]): Promise<void> {
    await this.room.connect(url, token);
    this.timer = setInterval(() => void this.measure(), STATS_MS);
    for (const track of tracks) {
      const source = track.kind === Track.Kind.Video ? Track.Source.Camera : Track.Source.Microphone;
      await this.publish(track, source);
    }
    this.tell();
  }

  /** A connection that has to be made anew takes back what was being published: then once more. */
  private async publish(track: LocalTrack, source: Track.Source): Promise<void> {
    const me = this.room.localParticipant;
    try {
      await me.publishTrack(track, { source });
    } catch (error) {
      if (this.room.state === ConnectionState.Disconnected) throw error;
      if (me.getTrackPublication(source) === undefined) await me.publishTrack(track, { source });
    }
  }

  /** Go; camera and microphone are let go of. */
  async leave(): Promise<void> {
    clearInterval(this.timer);
    await this.room.disconnect(true);
  }

  /** How it is now. */
  view(): CallView {
    const me = this.room.localParticipant;
    const people: Participant[] = [me, ...this.room.remoteParticipants.values()];
    return {
      tiles: people.flatMap((person) => this.tiles(person, person === me)),
      reconnecting: this.room.state === ConnectionState.Reconnecting || this.room.state === ConnectionState.SignalReconnecting,
      silent: !this.room.canPlaybackAudio,
      microphone: me.isMicrophoneEnabled,
      camera: me.isCameraEnabled,
      screen: me.isScreenShareEnabled,
      hand: this.hands.has(me.identity),
    };
  }

  /** The sound of others, to be played. */
  sounds(): RemoteTrack[] {
    return [...this.room.remoteParticipants.values()].flatMap((person) =>
      [...person.audioTrackPublications.values()].flatMap((publication) => (publication.track as RemoteTrack | undefined) ?? []),
    );
  }

  async setMicrophone(on: boolean): Promise<void> {
    await this.room.localParticipant.setMicrophoneEnabled(on);
    this.tell();
  }

  async setCamera(on: boolean): Promise<void> {
    await this.room.localParticipant.setCameraEnabled(on);
    this.tell();
  }

  async setScreen(on: boolean): Promise<void> {
    await this.room.localParticipant.setScreenShareEnabled(on);
    this.tell();
  }

  /** Raise a hand, or take it down. */
  async setHand(up: boolean): Promise<void> {
    const me = this.room.localParticipant.identity;
    if (up) this.hands.add(me);
    else this.hands.delete(me);
    this.tell();
    await this.send({ kind: "hand", up });
  }

  /** Show everybody a reaction. */
  async react(reaction: string): Promise<void> {
    this.show(this.room.localParticipant.identity, reaction);
    await this.send({ kind: "reaction", reaction });
  }

  private async send(signal: Signal, to?: string): Promise<void> {
    const whom = to === undefined ? {} : { destinationIdentities: [to] };
    await this.room.localParticipant.publishData(encodeSignal(signal), { reliable: true, topic: TOPIC, ...whom });
  }

  private took(bytes: Uint8Array, person: Participant | undefined, topic: string | undefined): void {
    const signal = topic === TOPIC && person !== undefined ? decodeSignal(bytes) : undefined;
    if (signal === undefined || person === undefined) return;
    const party = partyOf(person.identity);
    if (signal.kind === "reaction") {
      this.show(person.identity, signal.reaction);
      this.news({ kind: "reaction", party, reaction: signal.reaction });
    } else if (signal.up) {
      if (!this.hands.has(person.identity)) this.news({ kind: "hand", party });
      this.hands.add(person.identity);
    } else this.hands.delete(person.identity);
    this.tell();
  }

  private show(identity: string, reaction: string): void {
    this.reactions.set(identity, reaction);
    setTimeout(() => {
      if (this.reactions.get(identity) !== reaction) return;
      this.reactions.delete(identity);
      this.tell();
    }, REACTION_MS);
    this.tell();
  }

  private came(person: Participant): void {
    this.news({ kind: "joined", party: partyOf(person.identity) });
    // Who comes later does not know which hands are up: each tells its own.
    if (this.hands.has(this.room.localParticipant.identity)) void this.send({ kind: "hand", up: true }, person.identity).catch(() => undefined);
    this.tell();
  }

  private went(person: Participant): void {
    this.hands.delete(person.identity);
    this.reactions.delete(person.identity);
    this.spoke.delete(person.identity);
    this.news({ kind: "left", party: partyOf(person.identity) });
    this.tell();
  }

  private heard(speakers: readonly Participant[]): void {
    // The loudest one was heard last; quieter ones a moment before.
    speakers.forEach((speaker, place) => this.spoke.set(speaker.identity, performance.now() - place));
    this.tell();
  }

  private ended(reason: number | undefined): void {
    clearInterval(this.timer);
    this.news({ kind: "ended", reason });
  }

  private tiles(person: Participant, local: boolean): CallTile[] {
    const camera = person.getTrackPublication(Track.Source.Camera);
    const screen = person.getTrackPublication(Track.Source.ScreenShare);
    const tile = (id: string, video: Track | undefined, shares: boolean): CallTile => ({
      id,
      identity: person.identity,
      party: partyOf(person.identity),
      local,
      screen: shares,
      muted: !person.isMicrophoneEnabled,
      video,
      speaking: !shares && person.isSpeaking,
      spoke_ms: this.spoke.get(person.identity) ?? 0,
      quality: person.connectionQuality,
      hand: this.hands.has(person.identity),
      reaction: this.reactions.get(person.identity) ?? "",
    });
    const found = [tile(person.identity, shown(camera), false)];
    const shared = shown(screen);
    if (shared !== undefined) found.push(tile(`${person.identity} screen`, shared, true));
    return found;
  }

  private async measure(): Promise<void> {
    const tracks = [this.room.localParticipant, ...this.room.remoteParticipants.values()].flatMap((person) =>
      [...person.trackPublications.values()].flatMap((publication) => publication.track ?? []),
    );
    const reports = await Promise.all(tracks.map((track) => track.getRTCStatsReport().catch(() => undefined)));
    const entries: Record<string, unknown>[] = [];
    for (const report of reports) report?.forEach((entry: Record<string, unknown>) => entries.push(entry));
    this.news({ kind: "stats", stats: this.stats.take(entries, performance.now()) });
  }

  /** Once per turn, however much happened in it. */
  private tell(): void {
    if (this.told) return;
    this.told = true;
    queueMicrotask(() => {
      this.told = false;
      this.changed();
    });
  }
}

/** The party inside an identity: `user/ann` of `user/ann#phone`. */
export function partyOf(identity: string): string {
  return identity.split("#", 1)[0] ?? identity;
}

function shown(publication: TrackPublication | undefined): Track | undefined {
  return publication === undefined || publication.isMuted ? undefined : publication.track;
}
