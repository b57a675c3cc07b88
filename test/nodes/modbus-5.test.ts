import { modbusSuite } from './modbus-suite.ts';

modbusSuite(5);
