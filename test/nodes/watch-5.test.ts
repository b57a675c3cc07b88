import { watchSuite } from './watch-suite.ts';

watchSuite(5);
