/** What stands in place of a key or password. */
export const REDACTED = "<redacted>";

/**
 * Takes IPsec keys and passwords out of any text before it is shown, logged or stored. Nothing that reaches it should hold one:
 * this is the second line of defence, so it hides too much rather than too little.
 */
export function redact(text: string): string {
  return patterns.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text);
}

/** A secret as ipsec.secrets writes it: quoted (also inside a JSON string), hexadecimal or bare; a user's name may follow. */
const SECRET = String.raw`(?:\\"(?:(?!\\")[^\n])*(?:\\")?|"[^"\n]*"?|'[^'\n]*'?|(?!<redacted>)\S+)`;

const patterns: readonly (readonly [RegExp, string])[] = [
  // Private keys in PEM; an unfinished one to the end.
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, `${REDACTED} private key`],
  // ip xfrm state, in every form: -o joins lines with a backslash, JSON writes tabs and line ends as letters.
  [/((?:\b|\\[nrt])(?:auth-trunc|auth|enc|aead|comp)\s+\S+\s+)0[xX][0-9a-fA-F]+/g, `$1${REDACTED}`],
  // Any longer hexadecimal number: an SPI has 8 digits.
  [/\b0[xX][0-9a-fA-F]{17,}/g, REDACTED],
  [
    new RegExp(String.raw`(:\s*(?:PSK|XAUTH|PIN|PPKS?(?:-\w+)?|NTLM|EAP)\b[ \t]+)${SECRET}(?:[ \t]+${SECRET})?`, "gi"),
    `$1${REDACTED}`,
  ],
  [/(:\s*(?:RSA|ECDSA|EDDSA)\s*\{)[\s\S]*?(?:\}|$)/gi, `$1${REDACTED}}`],
  [/\b((?:PrivateExponent|Prime[12]|Exponent[12]|Coefficient)\s*[:=]\s*)\S+/g, `$1${REDACTED}`],
  // Debug output prints keys as rows of bytes.
  [/(?:\b[0-9a-fA-F]{2}[ \t]+){7,}[0-9a-fA-F]{2}\b/g, REDACTED],
];
