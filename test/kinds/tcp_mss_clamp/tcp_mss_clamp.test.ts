import { describe, test } from "vitest";
import { tcpMssClamp } from "../../../src/kinds/tcp-mss-clamp.ts";
import { casesOf, checkCase } from "../cases.ts";

describe("tcp_mss_clamp", () => {
  test.each(casesOf("tcp_mss_clamp"))("$file", (given) => checkCase(tcpMssClamp, given));
});
