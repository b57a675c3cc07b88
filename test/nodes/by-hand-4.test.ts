import { byHandSuite } from './by-hand-suite.ts';

byHandSuite(4);
