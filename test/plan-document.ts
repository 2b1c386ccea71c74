import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";

const schema = (name: string): object =>
  JSON.parse(readFileSync(new URL(`../schemas/${name}`, import.meta.url), "utf8")) as object;
const ajv = new Ajv2020({
  allErrors: true,
  strict: false,
  schemas: { "plan.schema.json": schema("plan.schema.json"), "report.schema.json": schema("report.schema.json") },
});

/** What is wrong with a plan or report by its published schema; empty when it is valid. */
export function documentErrors(name: "plan" | "report", value: unknown): readonly object[] {
  return ajv.validate(`${name}.schema.json`, value) ? [] : (ajv.errors ?? []);
}
