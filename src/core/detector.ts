import { z } from 'zod';

const numbers = z.array(z.number());

/** One channel as the detector tracks it; engineering units unless it says otherwise. */
const trackedChannelSchema = z.strictObject({
  mean: z.number(),
  deviation: z.number().positive(),
  /** Mean and deviation, in deviations of the channel, of what the tracking baseline leaves. */
  residualMean: z.number(),
  residualDeviation: z.number().positive(),
  /** The channel wandered while learning: its baseline goes on following in an alarm. */
  drifts: z.boolean(),
  /** Its values come less often than rows and stand until the next: in a wider row only new ones count. */
  held: z.boolean().default(false),
  /** Rows after which an unchanging value is a frozen one. */
  frozenAfter: z.int().positive(),
  /** Baseline at the end of learning, in deviations. */
  baseline: z.number(),
  /** Limit without this channel over the limit with all, and the same for the mean of ln(score), as a difference: found with the channel held at its mean. */
  limitWithout: z.number().positive(),
  levelWithout: z.number(),
});

/** The slow-change companion at one time scale (detector study 2, section 1). Everything in deviations of the channels. */
const slowScaleSchema = z.strictObject({
  halfLifeRows: z.number().positive(),
  reference: numbers,
  /** Where its mean stood at the end of learning. */
  mean: numbers,
  /** `[channels, channels]`, row-major: a channel minus its prediction from the others. */
  contrast: numbers,
  variance: numbers,
  /** Growth of the variance a row, and of the square of the drift a row, both seen while learning. */
  diffusion: numbers,
  slope: numbers,
  limit: z.number().positive(),
});

/**
 * What stands around a tracking model: `detector.json` of its bundle. Lengths are rows of the detector's grid. The recipe, its sources and measured effects:
 * docs/detector.md.
 */
export const detectorSchema = z.strictObject({
  format: z.literal('fettle-detector/1'),
  channels: z.array(trackedChannelSchema).min(1),
  /** Rows of the asset's grid that are averaged into one row of the detector's: on a finer grid some channels only repeat themselves. Everything below counts the wider rows. */
  rowsPerStep: z.int().positive().default(1),
  halfLives: z.strictObject({ baseline: z.number().positive(), scale: z.number().positive(), level: z.number().positive() }),
  /** Scores whose running median is judged. */
  median: z.int().positive(),
  /** Sum of ln(score / limit) above which an alarm begins. */
  cusum: z.number().nonnegative(),
  offDelayRows: z.int().positive(),
  /** Rows after which a standing alarm no longer holds the baseline back. */
  rearmRows: z.int().positive(),
  /** How far the limit may follow a score that rises slowly, as a factor. */
  levelCap: z.number().min(1),
  /** A decision acts on the baseline from the next multiple of this many rows on. */
  decisionRows: z.int().positive(),
  /** Mean of ln(score) on unseen rows. */
  level: z.number(),
  /** Rows alike in every channel, one after the other, that were seen while learning. */
  longestRepeat: z.int().nonnegative(),
  calibration: z.strictObject({
    quantile: z.number().min(0).max(1),
    /** (1 + margin / √blocks) × room. */
    margin: z.number().nonnegative(),
    room: z.number().positive(),
    /** Blocks of the model's parts: its networks and, where there is one, its lane of levels. */
    members: z.int().positive(),
    /** How the score of the networks and that of the window's mean are joined; null: the networks alone. */
    levels: z.strictObject({ networks: z.number().positive(), mean: z.number().positive() }).nullable().default(null),
    /** Window rows; a block is one window long. */
    length: z.int().positive(),
  }),
  /** `[channels, channels]`: how far the baseline follows what departs from it, by channel and by the others; null: every channel itself, wholly. */
  gain: numbers.nullable().default(null),
  /** A mean of ln(score) over more rows: while it is further above `level` than `limit`, an alarm does not end. Null: only rows below the limit count. */
  sustained: z.strictObject({ halfLifeRows: z.number().positive(), limit: z.number().positive() }).nullable().default(null),
  slow: z
    .strictObject({ learningRows: z.int().positive(), scales: z.array(slowScaleSchema).min(1) })
    .nullable()
    .describe('null: too few rows to tell drift from a slow fault.'),
});

export type DetectorParameters = z.infer<typeof detectorSchema>;
export type SlowScale = z.infer<typeof slowScaleSchema>;
