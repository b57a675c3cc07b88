/** Polynomial 0xA001 (0x8005 reflected), start 0xFFFF (Modbus over Serial Line V1.02, 6.2.2), a byte at a time. */
const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  return crc;
});

/** Of `bytes[start, end)`; on the wire it follows low byte first. */
export function crc16(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0xffff;
  for (let i = start; i < end; i++) crc = (crc >> 8) ^ (table[(crc ^ (bytes[i] as number)) & 0xff] as number);
  return crc;
}
