import { trainSuite } from './train-suite.ts';

trainSuite(4);
