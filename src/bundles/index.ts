export { loadBundle } from './load.ts';
export { type BundleContent, writeBundle } from './write.ts';
