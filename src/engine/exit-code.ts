/** Exit codes with one meaning each (docs/reference/exit-codes). */
export const EXIT = {
  done: 0,
  error: 1,
  pending: 2,
  stale: 3,
  rolledBack: 4,
  rollbackIncomplete: 5,
  unreachable: 6,
  blocked: 7,
  usage: 64,
  invalid: 65,
  locked: 75,
  interrupted: 130,
} as const;

const BY_SEVERITY: readonly number[] = [
  EXIT.rollbackIncomplete,
  EXIT.interrupted,
  EXIT.rolledBack,
  EXIT.error,
  EXIT.locked,
  EXIT.stale,
  EXIT.blocked,
  EXIT.unreachable,
  EXIT.pending,
  EXIT.done,
];

/** With several gateways the most severe exit code wins. */
export function worstExit(codes: readonly number[]): number {
  return BY_SEVERITY.find((code) => codes.includes(code)) ?? EXIT.done;
}
