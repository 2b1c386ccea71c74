import { describe, test } from "vitest";
import { ipsecService } from "../../../src/kinds/ipsec-service.ts";
import { casesOf, checkCase } from "../cases.ts";

describe("ipsec_service", () => {
  test.each(casesOf("ipsec_service"))("$file", (given) => checkCase(ipsecService, given));
});
