/**
 * ONNX Runtime for Linux collects usage data and uploads it to its maker unless this is set before its library is loaded (seen in 1.30: docs/decisions/009). A gateway in a
 * plant talks to nobody it was not told to. Import it wherever the runtime or a thread that loads it is started: what a thread sets for itself comes too late.
 */
process.env.ORT_DISABLE_TELEMETRY = '1';
