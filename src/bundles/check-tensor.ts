import { TensorProto_DataLocation as DataLocation, TensorProto_DataType as DataType, type TensorProto } from '../onnx/onnx_pb.ts';

const bitsOf: Readonly<Record<number, number>> = {
  [DataType.FLOAT]: 32,
  [DataType.UINT8]: 8,
  [DataType.INT8]: 8,
  [DataType.INT32]: 32,
  [DataType.INT64]: 64,
  [DataType.BOOL]: 8,
  [DataType.FLOAT16]: 16,
  [DataType.UINT4]: 4,
  [DataType.INT4]: 4,
  [DataType.UINT2]: 2,
  [DataType.INT2]: 2,
};
/** doc_string and metadata_props of TensorProto: text that no runtime acts on. */
const harmlessFields = new Set([12, 16]);

/** What is wrong with a tensor, or undefined: its data lies in the file, has a type we know and exactly the size its shape says. `most` elements are taken. */
export function tensorProblem(tensor: TensorProto, most: number): string | undefined {
  const name = tensor.name || 'a constant';
  if (tensor.dataLocation === DataLocation.EXTERNAL || tensor.externalData.length > 0) return `keeps ${name} outside the file`;
  const unknown = tensor.$unknown?.find(({ no }) => !harmlessFields.has(no));
  if (unknown !== undefined) return `${name} has the unknown field ${unknown.no}`;
  const bits = bitsOf[tensor.dataType];
  if (bits === undefined) return `${name} is of type ${tensor.dataType}, which is not taken`;
  if (tensor.dims.some((size) => size < 0n)) return `${name} has a negative size`;
  const elements = elementsOf(tensor);
  if (elements > most) return `${name} has ${elements} elements, more than are taken`;
  const { rawData, floatData, int32Data, int64Data, doubleData, uint64Data, stringData } = tensor;
  const listed = floatData.length + int32Data.length + int64Data.length + doubleData.length + uint64Data.length + stringData.length;
  if (rawData.length > 0 && listed > 0) return `${name} holds its data twice`;
  if (rawData.length > 0 || listed === 0) {
    const bytes = Math.ceil((elements * bits) / 8);
    return rawData.length === bytes ? undefined : `${name} has ${rawData.length} bytes, its shape needs ${bytes}`;
  }
  // Types below eight bits lie several to an int32.
  const wanted = bits < 8 ? Math.ceil((elements * bits) / 8) : elements;
  return listed === wanted ? undefined : `${name} has ${listed} values, its shape needs ${wanted}`;
}

export const elementsOf = ({ dims }: TensorProto): number => dims.reduce((product, size) => product * Number(size), 1);
