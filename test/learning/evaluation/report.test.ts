import { describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/learning/evaluation/faults.ts';
import { type EvaluatedFile, evaluationReport, type Precision, reportJson } from '../../../src/learning/evaluation/report.ts';
import { reportTable } from '../../../src/learning/evaluation/report-table.ts';
import { drawn, type Sketch } from './series.ts';

const file = (name: string, kinds: readonly string[], sketches: Partial<Record<Precision, Sketch>>): EvaluatedFile => ({
  file: name,
  kinds,
  series: new Map(Object.entries(sketches).map(([precision, sketch]) => [precision as Precision, drawn(sketch)])),
});

const label = '....####....';
const leak = file('plant/press/monday.csv', ['leak'], { fp32: { label, alarm: '....!!!!....' }, int8: { label, alarm: '......!!!...' } });
const blockage = file('plant/press/tuesday.csv', ['blockage'], { fp32: { label, alarm: '.!..........' }, int8: { label } });
const normal = file('plant/press/wednesday.csv', [], { fp32: { label: '......' }, int8: { label: '......', alarm: '..!...' } });
const report = evaluationReport([leak, blockage, normal]);

describe('the JSON of an evaluation', () => {
  const json = JSON.parse(reportJson(report));

  it('has the named metrics pooled and by file, in every precision', () => {
    const names = [
      'f1',
      'far',
      'mar',
      'auc',
      'ap',
      'vusPr',
      'eventRecall',
      'delayMedianS',
      'delayP90S',
      'missed',
      'episodesPerDay',
      'normalHours',
      'rows',
    ];
    expect(Object.keys(json.pooled)).toEqual(['fp32', 'int8']);
    expect(Object.keys(json.pooled.int8).slice(0, names.length)).toEqual(names);
    expect(json.files.map((entry: { file: string }) => entry.file)).toEqual([leak.file, blockage.file, normal.file]);
    expect(Object.keys(json.files[1].fp32).slice(0, names.length)).toEqual(names);
    expect(json.pooled.int8).toMatchObject({ f1: 1 / 3, mar: 0.75, missed: 1, eventRecall: 0.5, delayMedianS: 2, episodes: 1, rows: 30 });
  });

  it('has null for what cannot be told', () => {
    expect(json.files[2].fp32).toMatchObject({ f1: null, mar: null, auc: null, delayMedianS: null, far: 0 });
  });

  it('has a row a fault', () => {
    expect(json.pooled.int8.faults).toMatchObject([
      { fault: 'blockage', files: 1, fdr: 0, missed: 1, delayMedianS: null },
      { fault: 'leak', files: 1, fdr: 0.5, missed: 0, delayMedianS: 2, far: 1 / 8 },
    ]);
  });
});

describe('the fault of a recording', () => {
  const faults = (...hints: [string, ...string[]][]) => faultsOf(hints.map(([name, ...kinds]) => ({ file: name, kinds })));

  it('is what the label column calls it, where recordings differ in that', () => {
    expect(faults(['a.csv', '1'], ['b.csv', '4'], ['c.csv'])).toEqual(['1', '4', undefined]);
    expect(faults(['a.csv', '1'], ['b.csv', '1'])).toEqual([undefined, undefined]);
    expect(faults(['a.csv', '1', '2'], ['b.csv', '1'])).toEqual([undefined, undefined]);
  });

  it('is else the number the name gives it', () => {
    expect(faults(['fault 1/run_Fault-07_2.csv', '1'], ['fault 1/run.csv', '1'])).toEqual(['7', undefined]);
  });
});

describe('the table of an evaluation', () => {
  it('shows pooled, faults and recordings within 100 columns', () => {
    const long = file(`plant/${'x'.repeat(80)}.csv`, ['leak'], {
      fp32: { label: label.repeat(500), alarm: '.!'.repeat(3000), stepMs: 700_000 },
      int8: { label: label.repeat(500), alarm: '.!'.repeat(3000), stepMs: 700_000 },
    });
    const table = reportTable(evaluationReport([leak, blockage, normal, long]));
    expect(Math.max(...table.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(table).toMatch(/^press\/monday.csv +fp32 +1\.000 +0\.500 +0\.0 +0\.0 +1\.000 +1\.000 +1\/1 +0 s +0 +8 s$/m);
    expect(table).toMatch(/^…x+\.csv +fp32/m);
  });

  it('shows a dash for what cannot be told, and no table of one recording', () => {
    const table = reportTable(evaluationReport([normal]));
    expect(table).toMatch(/^fp32 +- +- +0\.0 +- +- +- +- +- +- +- +0\.00 +43139$/m);
    expect(table).not.toContain('recording ');
    expect(reportTable(evaluationReport([]))).toBe('nothing was evaluated\n');
  });

  it('says how often an alarm stood before the event', () => {
    const lucky = file('a.csv', [], { fp32: { label: '..##', alarm: '.!!.' } });
    expect(reportTable(evaluationReport([lucky]))).toContain('an alarm stood already when they began: fp32 1.');
    expect(reportTable(evaluationReport([leak]))).not.toContain('stood already');
  });
});
