/**
 * Remembers what a pure function made of the latest `limit` texts: the gateways of a fleet are much alike, and the resources of
 * one gateway ask the same again. The results are shared, so they must not be changed.
 */
export function remembered<Value>(limit: number, make: (text: string) => Value): (text: string) => Value {
  const known = new Map<string, { readonly value: Value }>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found.value;
    const value = make(text);
    const [oldest] = known.size < limit ? [] : known.keys();
    if (oldest !== undefined) known.delete(oldest);
    known.set(text, { value });
    return value;
  };
}
