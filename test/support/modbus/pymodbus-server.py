"""A Modbus device on pymodbus 3.0.0: units 1 and 2, 200 values a table; register n holds n + 1000 * unit.

    pymodbus-server.py PORT

PORT is a TCP port of 127.0.0.1, or the path of a serial device (19,200 baud; a pseudo terminal takes no parity).

Addresses beyond the 200 are answered with exception 2, other units not at all.
"""
import asyncio
import sys
import types

# pymodbus 3.0.0 imports these for its serial server also where it is not used; they may not be installed.
for name in ("serial", "serial_asyncio") if sys.argv[1].isdigit() else ():
    stand_in = types.ModuleType(name)
    stand_in.create_serial_connection = None
    sys.modules.setdefault(name, stand_in)

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.framer.rtu_framer import ModbusRtuFramer
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer


def unit(number):
    registers = [n + 1000 * number for n in range(200)]
    bits = [n % 3 == 0 for n in range(200)]
    return ModbusSlaveContext(
        di=ModbusSequentialDataBlock(0, bits),
        co=ModbusSequentialDataBlock(0, bits),
        hr=ModbusSequentialDataBlock(0, registers),
        ir=ModbusSequentialDataBlock(0, registers),
        zero_mode=True,
    )


async def main():
    context = ModbusServerContext(slaves={1: unit(1), 2: unit(2)}, single=False)
    if sys.argv[1].isdigit():
        await StartAsyncTcpServer(context=context, address=("127.0.0.1", int(sys.argv[1])))
    server = await StartAsyncSerialServer(
        context=context, framer=ModbusRtuFramer, port=sys.argv[1], baudrate=19200, parity="N", ignore_missing_slaves=True, defer_start=True
    )
    await server.start()
    print("listening", flush=True)
    await server.serve_forever()


asyncio.run(main())
