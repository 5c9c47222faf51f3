/** Milliseconds; Discord counts from the first second of 2015. */
const EPOCH = 1_420_070_400_000n;

/** When the message, interaction … with this id was made. */
export function timeOf(id: string): Date {
  return new Date(Number((BigInt(id) >> 22n) + EPOCH));
}

/** Orders what Discord made in the same millisecond: worker, process and counter, 22 bits. */
export function orderOf(id: string): number {
  return Number(BigInt(id) & 0x3f_ffffn);
}

/** The least id of what is made at this time, in milliseconds since 1970, or later. */
export function idAt(time: number): string {
  return String((BigInt(Math.floor(time)) - EPOCH) << 22n);
}
