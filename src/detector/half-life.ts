/** Weight of the newest value in an exponential mean that forgets half in `rows` rows. */
export const weightOf = (rows: number): number => 1 - 0.5 ** (1 / rows);
