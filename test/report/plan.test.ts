import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { colourful, plain } from "../../src/report/palette.ts";
import { planHtml } from "../../src/report/plan-html.ts";
import { planJunit } from "../../src/report/plan-junit.ts";
import { planMarkdown } from "../../src/report/plan-markdown.ts";
import { planText } from "../../src/report/plan-text.ts";
import { samplePlan } from "./sample.ts";

describe("the plan as text", () => {
  it("reads like this", async () => {
    await expect(planText(samplePlan, { palette: plain, verbose: 0 })).toMatchFileSnapshot("plan.txt");
  });

  it("shows the exact steps when asked", () => {
    const text = planText(samplePlan, { palette: plain, verbose: 1 });
    const batch = ["*nat", "-D POSTROUTING 3", "-I POSTROUTING 1 -s 10.0.2.0/24 -d 192.168.0.0/16 -j RETURN", "COMMIT", "END"];
    expect(text).toContain(
      `      $ iptables-nft-restore --noflush -w 5 <<'END'\n${batch.map((line) => `      ${line}\n`).join("")}`,
    );
    expect(text).toContain("$ ipsec auto --add myvpn");
    expect(planText(samplePlan, { palette: plain, verbose: 2 })).toContain("undo: restore /etc/ipsec.d/myvpn.conf");
  });

  it("has the same words in colour, and lets no escape of a gateway through", () => {
    const coloured = planText(samplePlan, { palette: colourful, verbose: 0 });
    expect(coloured.replaceAll(/\u001b\[\d+m/g, "")).toBe(planText(samplePlan, { palette: plain, verbose: 0 }));
    expect(planText(samplePlan, { palette: plain, verbose: 2 })).not.toContain("\u001b");
  });
});

describe("the plan for other readers", () => {
  it("is Markdown for a review", async () => {
    await expect(planMarkdown(samplePlan)).toMatchFileSnapshot("plan.md");
  });

  it("is well-formed JUnit that counts its cases", () => {
    const xml = planJunit(samplePlan);
    expect(xml).toContain('<testsuite name="gw-east" tests="3" failures="2" errors="0" skipped="0">');
    expect(xml).toContain('<testcase classname="tunnel" name="tunnel[quiet]"></testcase>');
    execFileSync("python3", ["-c", "import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.stdin)"], { input: xml });
  });

  it("is one HTML page in which a gateway's name stays text", () => {
    const html = planHtml(samplePlan);
    expect(html).toContain("gw-west?[31m&lt;script&gt;");
    expect(html).not.toMatch(/<script|src=|href=/);
    expect(html).toContain("<ins>+\tmtu=1400</ins>");
  });
});
