import { describe, test } from "vitest";
import { ikeAccess } from "../../../src/kinds/ike-access.ts";
import { casesOf, checkCase } from "../cases.ts";

describe("ike_access", () => {
  test.each(casesOf("ike_access"))("$file", (given) => checkCase(ikeAccess, given));
});
