const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

/** What `cksum < FILE` prints for these bytes: the CRC and the size (POSIX XCU cksum); detects change, not malice. */
export function cksum(bytes: Uint8Array): string {
  let crc = 0;
  const feed = (byte: number): void => {
    crc = ((crc << 8) ^ (TABLE[((crc >>> 24) ^ byte) & 255] ?? 0)) >>> 0;
  };
  bytes.forEach(feed);
  for (let size = bytes.length; size > 0; size = Math.floor(size / 256)) feed(size & 255);
  return `${(~crc >>> 0).toString()} ${bytes.length}`;
}
