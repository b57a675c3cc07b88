/** What an MQTT 5 PUBLISH says of itself beside topic and payload. */
export interface PublishProperties {
  readonly contentType: string | undefined;
  /** First value of each name. */
  readonly user: ReadonlyMap<string, string>;
}

/** Length in bytes of the properties a PUBLISH may have (MQTT 5, 3.3.2.3); 'text' and 'pair' bring their own. */
const forms: Readonly<Record<number, number | 'text' | 'pair' | 'variable'>> = {
  1: 1, // payload format indicator
  2: 4, // message expiry interval
  3: 'text', // content type
  8: 'text', // response topic
  9: 'text', // correlation data
  11: 'variable', // subscription identifier
  35: 2, // topic alias
  38: 'pair', // user property
};
const contentTypeId = 3;
const userPropertyId = 38;

/** Reads `buffer[start, end)`, the properties without their length. What cannot be read ends them. */
export function readPublishProperties(buffer: Buffer, start: number, end: number): PublishProperties {
  const user = new Map<string, string>();
  let contentType: string | undefined;
  let at = start;
  const text = (): string | undefined => {
    if (at + 2 > end) return undefined;
    const from = at + 2;
    at = from + buffer.readUInt16BE(at);
    return at <= end ? buffer.toString('utf8', from, at) : undefined;
  };
  while (at < end) {
    const id = buffer[at++] as number;
    const form = forms[id];
    if (form === 'text') {
      const value = text();
      if (value === undefined) break;
      if (id === contentTypeId) contentType = value;
    } else if (form === 'pair') {
      const name = text();
      const value = name === undefined ? undefined : text();
      if (name === undefined || value === undefined) break;
      if (id === userPropertyId && !user.has(name)) user.set(name, value);
    } else if (form === 'variable') {
      while (at < end && (buffer[at++] as number) >= 0x80);
    } else if (form === undefined) break;
    else at += form;
  }
  return { contentType, user };
}
