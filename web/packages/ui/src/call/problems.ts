/**
 * What went wrong with a call, as a word of the catalogue. Pure.
 */

/** The key of the words for an error of a camera, a microphone or a screen. */
export function deviceProblem(error: unknown, device: "camera" | "microphone" | "screen", secure: boolean): string {
  if (!secure) return "call_insecure";
  const name = (error as { name?: unknown } | null)?.name;
  switch (name) {
    case "NotAllowedError":
    case "PermissionDeniedError":
    case "SecurityError":
      return device === "screen" ? "call_screen_refused" : `call_${device}_refused`;
    case "NotFoundError":
    case "DevicesNotFoundError":
    case "OverconstrainedError":
      return `call_${device}_missing`;
    case "NotReadableError":
    case "TrackStartError":
    case "AbortError":
      return `call_${device}_busy`;
    default:
      return `call_${device}_failed`;
  }
}

/** The key of the words for why a call ended; empty when one left by oneself. Numbers are LiveKit's DisconnectReason. */
export function endProblem(reason: number | undefined): string {
  switch (reason) {
    case 1:
      return "";
    case 2:
      return "call_ended_elsewhere";
    case 4:
      return "call_ended_removed";
    case 5:
    case 10:
      return "call_ended_over";
    case 3:
      return "call_ended_server";
    default:
      return "call_ended_lost";
  }
}
