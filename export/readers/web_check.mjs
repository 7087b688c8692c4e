// Runs exported networks with onnxruntime-web, as onnxruntime_check.py does with onnxruntime: node web_check.mjs CASES.json
import { readFile } from 'node:fs/promises'
import * as ort from 'onnxruntime-web'

async function check (c) {
  const net = await ort.InferenceSession.create(await readFile(c.model))
  const pixels = new Uint8Array(await readFile(c.images))
  const bytes = await readFile(c.want)
  const want = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
  const size = c.rows * c.cols
  const count = pixels.length / size
  const classes = want.length / count
  let difference = 0

  async function compare (from, to) {
    const part = pixels.subarray(from * size, to * size)
    const data = c.input === 'uint8' ? part : Float32Array.from(part, p => Math.fround(p / 255))
    const result = await net.run({ images: new ort.Tensor(c.input, data, [to - from, 1, c.rows, c.cols]) })
    const got = result[c.output]
    if (`${got.dims}` !== `${[to - from, classes]}`) throw new Error(`${c.model}: ${c.output} is ${got.dims}`)
    got.data.forEach((v, i) => {
      const d = Math.abs(v - want[from * classes + i])
      if (!(d <= difference)) difference = d // NaN, too
    })
  }
  for (let i = 0; i < count; i += 1000) await compare(i, Math.min(i + 1000, count))
  for (let i = 0; i < 100; i++) await compare(i, i + 1)
  return { difference, largest: want.reduce((a, v) => Math.max(a, Math.abs(v)), 0) }
}

const results = []
for (const c of JSON.parse(await readFile(process.argv[2]))) results.push(await check(c))
console.log(JSON.stringify(results))
