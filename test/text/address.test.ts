import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressFamily, addressValue, formatNetwork, parseNetwork } from "../../src/text/address.ts";

const read = (text: string): string | undefined => {
  const network = parseNetwork(text);
  return network && `${network.family} ${formatNetwork(network)} ${network.first}-${network.last}`;
};

describe("networks", () => {
  it("are read in every spelling", () => {
    expect(
      Object.fromEntries(
        ["10.0.2.33", "10.0.2.33/24", "10/8", "0/0", "10.0.0.0/255.0.0.0", "2001:DB8:0::1/32", "::ffff:10.0.0.1"].map((text) => [
          text,
          read(text),
        ]),
      ),
    ).toEqual({
      "10.0.2.33": "ipv4 10.0.2.33/32 167772705-167772705",
      "10.0.2.33/24": "ipv4 10.0.2.0/24 167772672-167772927",
      "10/8": "ipv4 10.0.0.0/8 167772160-184549375",
      "0/0": "ipv4 0.0.0.0/0 0-4294967295",
      "10.0.0.0/255.0.0.0": "ipv4 10.0.0.0/8 167772160-184549375",
      "2001:DB8:0::1/32": "ipv6 2001:db8::/32 42540766411282592856903984951653826560-42540766490510755371168322545197776895",
      "::ffff:10.0.0.1": "ipv6 ::ffff:a00:1/128 281470849515521-281470849515521",
    });
  });

  it.each([
    "",
    "10.0.2.256",
    "10.0.2",
    "010.0.2.1",
    "1.2.3.4.5",
    "10.0.0.0/33",
    "10.0.0.0/255.0.255.0",
    "::1/129",
    "fe80::1%eth0",
    "10.0.2.1 ",
    "$(reboot)",
    "example.com",
  ])("are not read from %j", (text) => {
    expect(parseNetwork(text)).toBeUndefined();
  });

  it("clear the host bits of any IPv4 address, and say again what they were read from", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 32 }), (value, prefix) => {
        const text = [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
        const network = parseNetwork(`${text}/${prefix}`);
        const size = 2 ** (32 - prefix);
        expect(network).toMatchObject({ family: "ipv4", first: BigInt(value - (value % size)) });
        expect(Number((network?.last ?? 0n) - (network?.first ?? 0n)) + 1).toBe(size);
        expect(parseNetwork(network === undefined ? "" : formatNetwork(network))).toEqual(network);
        expect(addressValue(text)).toEqual({ family: "ipv4", value: BigInt(value) });
      }),
    );
  });

  it("are read alike by whatever spelling of an IPv6 address", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const network = parseNetwork(text);
        expect(addressFamily(text)).toBe("ipv6");
        expect(parseNetwork(network?.address ?? "")).toEqual(network);
      }),
    );
  });
});
