import { expect } from "vitest";
import { ConnectionProblem } from "../../src/io/connection-problem.ts";

/** The problem that a promise rejects with; anything else fails the test. */
export async function problemOf(promise: Promise<unknown>): Promise<ConnectionProblem> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ConnectionProblem) return error;
    throw error;
  }
  return expect.fail("it succeeded");
}
