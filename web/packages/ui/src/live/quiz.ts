/**
 * A live quiz as a player sees it, from the room's entries and the answers of the server.
 *
 * Pure. Not here: how it looks (`tl-quiz.ts`).
 */

import type { RoomMessage } from "@trunkline/core";

export interface QuizOutcome {
  quiz: string;
  question: number;
  correct: number[];
  tallies: number[];
  answered: number;
  right: number;
  revived: number;
  out: number;
  left: number;
  void?: boolean;
}

export interface QuizQuestion {
  quiz: string;
  question: number;
  text: string;
  options: string[];
  at_ms: number;
  closes_at_ms: number;
  outcome?: QuizOutcome | null;
}

export interface QuizState {
  quiz: string;
  title: string;
  question: QuizQuestion | undefined;
  outcome: QuizOutcome | undefined;
  /** The place of the option this device chose; -1 for none. */
  choice: number;
  /** Answered right so far, on this device. */
  right: number;
  ended: boolean;
}

export const NO_QUIZ: QuizState = { quiz: "", title: "", question: undefined, outcome: undefined, choice: -1, right: 0, ended: false };

/** What an entry makes of a quiz; the same state if it has nothing to do with it. */
export function advance(state: QuizState, message: RoomMessage): QuizState {
  const content = message.content;
  if (content === null || typeof content !== "object") return state;
  switch (message.type) {
    case "quiz.created":
    case "quiz.began":
      return { ...NO_QUIZ, quiz: content.quiz ?? "", title: content.title ?? "" };
    case "quiz.asked": {
      const same = content.quiz === state.quiz;
      return { ...(same ? state : NO_QUIZ), quiz: content.quiz, question: content, outcome: undefined, choice: -1, ended: false };
    }
    case "quiz.closed": {
      if (content.quiz !== state.quiz || content.question !== state.question?.question || state.outcome !== undefined) return state;
      const scored = !content.void && (content.correct as number[]).includes(state.choice);
      return { ...state, outcome: content, right: state.right + (scored ? 1 : 0) };
    }
    case "quiz.ended":
      return content.quiz === state.quiz ? { ...state, ended: true } : state;
    default:
      return state;
  }
}

/** This device answered. */
export function chosen(state: QuizState, question: number, choice: number): QuizState {
  return state.question?.question === question && state.outcome === undefined ? { ...state, choice } : state;
}

/** How much of the time to answer is left, from 1 to 0. */
export function timeLeft(question: QuizQuestion, now_ms: number): number {
  const whole = Math.max(1, question.closes_at_ms - question.at_ms);
  return Math.min(1, Math.max(0, (question.closes_at_ms - now_ms) / whole));
}
