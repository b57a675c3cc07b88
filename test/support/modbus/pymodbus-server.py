"""A Modbus TCP device on pymodbus 3.0.0: units 1 and 2, 200 values a table; register n holds n + 1000 * unit.

    pymodbus-server.py PORT

Addresses beyond the 200 are answered with exception 2, other units not at all.
"""
import asyncio
import sys
import types

# pymodbus 3.0.0 imports these for its serial server, which is not used here; they may not be installed.
for name in ("serial", "serial_asyncio"):
    stand_in = types.ModuleType(name)
    stand_in.create_serial_connection = None
    sys.modules.setdefault(name, stand_in)

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartAsyncTcpServer


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
    await StartAsyncTcpServer(context=context, address=("127.0.0.1", int(sys.argv[1])))


asyncio.run(main())
