import type { Rule } from "./model.ts";
import { isRecord, parseNftExpressions } from "./nft-expression.ts";
import { nftRuleText } from "./nft-rule-text.ts";
import { nftRuleJson } from "./saved-nft-rule.ts";
import { nftWords } from "./saved-nft-words.ts";

/** Reads a rule of nftables' own language; what is not understood becomes a condition or a verdict that may be anything. */
export function parseNftRule(text: string): Rule {
  const { expr, comment } = nftRuleJson(nftWords(text), new Map());
  const expressions = expr.flatMap((json: unknown) => (isRecord(json) ? [json] : []));
  const isKnown = expressions.every((expression) => expression["xt"] === undefined);
  return {
    text: isKnown ? nftRuleText(expressions, comment) : text.trim(),
    ...(comment === undefined ? {} : { comment }),
    ...parseNftExpressions(expressions, () => undefined),
  };
}
