import { tapSuite } from './tap-suite.ts';

tapSuite(4);
