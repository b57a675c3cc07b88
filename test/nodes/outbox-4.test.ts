import { outboxSuite } from './outbox-suite.ts';

outboxSuite(4);
