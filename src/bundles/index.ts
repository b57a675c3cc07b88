export { loadBundle } from './load.ts';
export { type BundleContent, refuseExisting, writeBundle } from './write.ts';
