'use strict';
// lenet.network: the network of a description, as lenet writes it, in plain JavaScript. The shapes on the right are those of MNIST's network.
//
//   conv1  5x5, activation    [1, 28, 28] -> [6, 24, 24]        pool1  maxima of 2x2   -> [6, 12, 12]
//   conv2  5x5, activation                -> [16, 8, 8]         pool2                  -> [16, 4, 4]
//   fc1    linear, activation             -> [120]              fc2    linear, activation -> [84]
//   logits linear                         -> [10]               probabilities: their softmax
(function (lenet) {
  const filter = 5, window = 2;

  const activations = {
    sigmoid: (x) => 1 / (1 + Math.exp(-x)),
    tanh: Math.tanh,
    relu: (x) => Math.max(x, 0),
    gelu: (x) => x * (1 + erf(x / Math.SQRT2)) / 2,
  };

  // erf by its series where that converges fast, and by its continued fraction elsewhere.
  function erf(x) {
    const a = Math.abs(x);
    let value;
    if (a < 3) {
      let term = a, sum = a;
      for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) { term *= -a * a / n; sum += term / (2 * n + 1); }
      value = 2 / Math.sqrt(Math.PI) * sum;
    } else {
      let fraction = 0;
      for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction);
      value = 1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction);
    }
    return x < 0 ? -value : value;
  }

  lenet.network = function (d) {
    const f = activations[d.activation];
    if (!f) throw new Error('the activation ' + d.activation + ' is unknown');
    const bytes = Uint8Array.from(atob(d.weights), (c) => c.charCodeAt(0));
    const values = new DataView(bytes.buffer);
    let taken = 0;
    const take = (n) => {
      const part = new Float32Array(n);
      for (let i = 0; i < n; i++, taken += 4) part[i] = values.getFloat32(taken, true);
      return part;
    };
    const layer = (out, inputs) => ({out, inputs, weight: take(out * inputs), bias: take(out)});
    const pooled = (n) => Math.floor((n - filter + 1) / window);
    const features = d.channels[1] * pooled(pooled(d.rows)) * pooled(pooled(d.cols));
    const conv1 = layer(d.channels[0], filter * filter), conv2 = layer(d.channels[1], d.channels[0] * filter * filter);
    const fc1 = layer(d.hidden[0], features), fc2 = layer(d.hidden[1], d.hidden[0]), fc3 = layer(d.classes, d.hidden[1]);

    // classify returns the probabilities of an image, [rows, cols] bytes, and what each layer makes of it.
    return {classify(pixels) {
      const image = {channels: 1, rows: d.rows, cols: d.cols, values: Float64Array.from(pixels, (v) => v / 255)};
      const r = {};
      r.conv1 = convolve(image, conv1, f);
      r.pool1 = pool(r.conv1);
      r.conv2 = convolve(r.pool1, conv2, f);
      r.pool2 = pool(r.conv2);
      r.fc1 = linear(r.pool2.values, fc1, f);
      r.fc2 = linear(r.fc1, fc2, f);
      r.logits = linear(r.fc2, fc3, (x) => x);
      r.probabilities = softmax(r.logits);
      r.predicted = r.probabilities.indexOf(Math.max(...r.probabilities));
      return r;
    }};
  };

  // convolve returns maps, each the sum of the inputs' correlations with a filter, with its bias, activated.
  function convolve(x, layer, f) {
    const rows = x.rows - filter + 1, cols = x.cols - filter + 1;
    const y = {channels: layer.out, rows, cols, values: new Float64Array(layer.out * rows * cols)};
    for (let o = 0; o < layer.out; o++) {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < cols; j++) {
          let sum = layer.bias[o];
          for (let c = 0, k = o * layer.inputs; c < x.channels; c++) {
            for (let p = 0; p < filter; p++) {
              const row = (c * x.rows + i + p) * x.cols + j;
              for (let q = 0; q < filter; q++) sum += layer.weight[k++] * x.values[row + q];
            }
          }
          y.values[(o * rows + i) * cols + j] = f(sum);
        }
      }
    }
    return y;
  }

  function pool(x) {
    const rows = Math.floor(x.rows / window), cols = Math.floor(x.cols / window);
    const y = {channels: x.channels, rows, cols, values: new Float64Array(x.channels * rows * cols)};
    for (let c = 0; c < x.channels; c++) {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < cols; j++) {
          const at = (c * x.rows + window * i) * x.cols + window * j;
          y.values[(c * rows + i) * cols + j] = Math.max(x.values[at], x.values[at + 1], x.values[at + x.cols], x.values[at + x.cols + 1]);
        }
      }
    }
    return y;
  }

  function linear(x, layer, f) {
    return Float64Array.from(layer.bias, (bias, o) => {
      let sum = bias;
      for (let i = 0; i < layer.inputs; i++) sum += layer.weight[o * layer.inputs + i] * x[i];
      return f(sum);
    });
  }

  function softmax(logits) {
    const largest = Math.max(...logits), e = logits.map((v) => Math.exp(v - largest)), sum = e.reduce((a, b) => a + b);
    return e.map((v) => v / sum);
  }
})(globalThis.lenet = globalThis.lenet || {});
