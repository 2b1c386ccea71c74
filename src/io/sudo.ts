import { randomBytes } from "node:crypto";
import type { Writable } from "node:stream";
import { ConnectionProblem } from "./connection-problem.ts";
import type { Target } from "./transport.ts";

/** How a script gains root rights. */
export type Sudo = "none" | "without-password" | { readonly password: string };

/** How root rights are gained on this target, where they are needed. */
export function sudoFor(target: Target, needed: boolean): Sudo {
  if (!needed) return "none";
  return target.becomePassword === undefined ? "without-password" : { password: target.becomePassword };
}

/**
 * Starts a root shell and hands it the script. The password goes to sudo's standard input only when sudo asks for it, and
 * the script only after sudo has started the shell, so neither is ever taken for the other.
 */
export class SudoDialogue {
  readonly #sudo: Sudo;
  readonly #prompt: string;
  readonly #ready: string;
  #stdin: Writable | undefined;
  #script = "";
  #isWaiting: boolean;
  #hasAnswered = false;
  #stdout = "";
  #stderr = "";

  constructor(host: string, sudo: Sudo) {
    // What stands behind a line break would reach the shell as a command.
    if (typeof sudo === "object" && /[\n\r\0]/.test(sudo.password)) throw brokenPassword(host);
    const mark = randomBytes(16).toString("hex");
    this.#sudo = sudo;
    this.#prompt = `${mark}p`;
    this.#ready = `${mark}r\n`;
    this.#isWaiting = typeof sudo === "object";
  }

  // The login shell may be bash, fish or csh: no syntax that they read differently.
  /** What the login shell is asked to run. */
  get command(): string {
    if (this.#sudo === "none") return "/bin/sh -s";
    if (this.#sudo === "without-password") return "env LC_ALL=C sudo -n -H /bin/sh -s";
    return `env LC_ALL=C sudo -S -H -p ${this.#prompt} /bin/sh -c 'echo ${this.#ready.trim()}; exec /bin/sh -s'`;
  }

  /** Sends the script, at once or when the time has come. */
  start(stdin: Writable, script: string): void {
    this.#stdin = stdin;
    this.#script = script;
    if (!this.#isWaiting) stdin.end(script);
  }

  /** Listens for the shell that sudo has started. */
  hearStdout(chunk: Buffer): void {
    if (!this.#isWaiting) return;
    this.#stdout = (this.#stdout + chunk.toString("latin1")).slice(-4096);
    if (!this.#stdout.includes(this.#ready)) return;
    this.#isWaiting = false;
    this.#stdin?.end(this.#script);
  }

  /** Listens for sudo's question. */
  hearStderr(chunk: Buffer): void {
    if (!this.#isWaiting || typeof this.#sudo !== "object") return;
    const parts = (this.#stderr + chunk.toString("latin1")).split(this.#prompt);
    this.#stderr = (parts.at(-1) ?? "").slice(-this.#prompt.length);
    const questions = parts.length - 1;
    if (questions === 0) return;
    // Asked again: the password was wrong. The end of input makes sudo give up and say so.
    if (this.#hasAnswered || questions > 1) this.#stdin?.end();
    else this.#stdin?.write(`${this.#sudo.password}\n`);
    this.#hasAnswered = true;
  }

  /** A text without sudo's questions. */
  withoutPrompts(text: string): string {
    return text.replaceAll(this.#prompt, "");
  }
}

/** Whether words that came instead of the script's output are sudo's. */
export function isSudoSpeaking(words: string): boolean {
  return /sudo|sorry|not allowed|password/i.test(words);
}

/** No root rights, in sudo's own words. */
export function sudoProblem(host: string, sudo: Sudo, said: string): ConnectionProblem {
  return new ConnectionProblem("no-sudo", `no root rights on ${host}; sudo said: ${said}`, sudoAdvice(sudo, said));
}

function sudoAdvice(sudo: Sudo, said: string): string {
  if (/must have a tty|terminal is required to run/i.test(said)) {
    return "sudo asks for a terminal (requiretty), which is not supported: add `Defaults:USER !requiretty` in sudoers";
  }
  if (/command not found|No such file/i.test(said)) return "install sudo on the host or log in as root";
  if (/password is required|no password was provided/i.test(said) && sudo === "without-password") {
    return "run again with -K (--ask-become-pass), set ansible_become_password, or allow sudo without a password";
  }
  if (/incorrect password|try again|no password was provided/i.test(said))
    return "check the sudo password (-K or ansible_become_password)";
  return "allow this user to run /bin/sh by sudo, or log in as root";
}

function brokenPassword(host: string): ConnectionProblem {
  return new ConnectionProblem(
    "configuration",
    `the sudo password of ${host} holds a line break`,
    "correct ansible_become_password",
  );
}
