import { httpSource } from './http/index.ts';
import { modbusSource } from './modbus/index.ts';
import { mqttSource } from './mqtt/index.ts';

/** Every source there is. A new one is its folder and a line here. */
export const sourceDefinitions = [modbusSource, mqttSource, httpSource] as const;
