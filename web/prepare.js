'use strict';
// lenet.prepare: a picture of black strokes on white, prepared as a network's training images were. It is what the Go package picture does, step by step
// and with the same rounding, for the pictures of draw.js alone:
//
//   contrast   how far each pixel is from white:                                 [height, width] float32, 1 is black    contrast.go
//   ink        the pixels above two fifths of the ink's level, without frames
//              around something and specks, in connected parts:                  [height, width]                        ink.go, mask.go
//   subject    the parts that make one digit, or each digit of a row:            a crop of contrast and ink             subject.go
//   thickness  strokes thinner than those of the training images are widened                                            thickness.go
//   scale      to fit the frame's box, in proportion:                            at most [box_rows, box_cols]           place.go
//   place      with its centre where the training images have theirs:            [rows, cols] bytes, 0 is the ground    place.go
//
// Nothing is drawn within a fifth of the picture's side from its edges. That is why the rest of the Go package has nothing to do here: the border is
// white and so is the ground; more than half of the picture is white, so the measured noise is 0; nothing touches an edge; and no line has ink in 85 % of
// the columns or rows that it crosses, which a ruled line has.
(function (lenet) {
  const leastLevel = Math.fround(0.075), inkShare = Math.fround(0.4), faint = Math.fround(0.1), pale = Math.fround(0.65), boxed = Math.fround(0.3);
  const leastSide = 0.06, hollow = 0.4, enclosed = 0.3, speckSide = 0.13, speckArea = 0.04, paleArea = 0.35; // of ink.go
  const together = 0.5, bar = 0.5, barGap = 0.25, brokenGap = 0.06, mostParts = 1000, softEdge = 14, fine = 80; // of subject.go
  const thin = 0.6; // of thickness.go
  const rounds = 3;

  // prepare returns the digits of a picture from left to right: {pixels, bounds}. pixels are RGBA, frame a picture.Frame. There is none in an empty one.
  lenet.prepare = function (pixels, width, height, frame) {
    if (frame.whole) return [{pixels: whole(pixels, width, height, frame), bounds: {x0: 0, y0: 0, x1: width, y1: height}}];
    const contrast = plane(width, height);
    for (let i = 0; i < contrast.v.length; i++) contrast.v[i] = 1 - Math.fround(pixels[4 * i] / 255);
    for (let round = 0; round < rounds; round++) {
      const level = quantile(contrast.v.filter((v) => v > leastLevel), 0.9);
      if (level < leastLevel) break;
      const ink = inkOf(contrast, Math.fround(inkShare * level), frame);
      const found = subjects(contrast, ink, frame);
      if (found.length) return found.map((s) => ({pixels: place(scale(thickness(s, frame), frame), frame), bounds: s.at}));
      const gone = widenedBy(ink, 2 + Math.floor(Math.min(width, height) / 100)); // there may be paler ink besides
      for (let i = 0; i < gone.set.length; i++) if (gone.set[i]) contrast.v[i] = 0;
    }
    return [];
  };

  // ---- planes of values, masks of pixels that are set, boxes

  function plane(w, h) { return {w, h, v: new Float32Array(w * h)}; }
  function mask(w, h) { return {w, h, set: new Uint8Array(w * h)}; }

  function quantile(values, share) {
    const step = 1 + Math.floor(values.length / 100000);
    const some = new Float32Array(Math.ceil(values.length / step));
    for (let i = 0; i < some.length; i++) some[i] = values[i * step];
    if (!some.length) return 0;
    return some.sort()[Math.min(Math.floor(share * some.length), some.length - 1)];
  }

  function over(p, threshold) {
    const m = mask(p.w, p.h);
    for (let i = 0; i < p.v.length; i++) m.set[i] = p.v[i] > threshold ? 1 : 0;
    return m;
  }

  function crop(p, x0, y0, x1, y1) {
    const part = plane(x1 - x0, y1 - y0);
    for (let y = Math.max(y0, 0); y < Math.min(y1, p.h); y++) {
      for (let x = Math.max(x0, 0); x < Math.min(x1, p.w); x++) part.v[(y - y0) * part.w + x - x0] = p.v[y * p.w + x];
    }
    return part;
  }

  // widenedBy returns a mask with all pixels within a square of 2r+1 x 2r+1 around its own.
  function widenedBy(m, r) {
    const across = mask(m.w, m.h), out = mask(m.w, m.h);
    for (let y = 0; y < m.h; y++) spread(m.set, across.set, y * m.w, 1, m.w, r);
    for (let x = 0; x < m.w; x++) spread(across.set, out.set, x, m.w, m.h, r);
    return out;
  }

  function spread(from, to, first, stride, n, r) {
    for (let i = 0, done = 0; i < n; i++) {
      if (!from[first + i * stride]) continue;
      for (let j = Math.max(done, i - r); j < Math.min(i + r + 1, n); j++) to[first + j * stride] = 1;
      done = i + r + 1;
    }
  }

  function noBox() { return {x0: 1 << 30, y0: 1 << 30, x1: 0, y1: 0}; }
  function union(b, o) {
    b.x0 = Math.min(b.x0, o.x0); b.y0 = Math.min(b.y0, o.y0); b.x1 = Math.max(b.x1, o.x1); b.y1 = Math.max(b.y1, o.y1);
  }
  function add(b, x, y) { union(b, {x0: x, y0: y, x1: x + 1, y1: y + 1}); }
  function w(b) { return Math.max(0, b.x1 - b.x0); }
  function h(b) { return Math.max(0, b.y1 - b.y0); }
  function side(b) { return Math.max(w(b), h(b)); }

  // ---- ink

  function inkOf(contrast, threshold, frame) {
    const ink = over(contrast, threshold);
    label(ink, Math.floor(Math.min(ink.w, ink.h) / 250));
    if (frame.stroke) dropFrames(ink);
    dropSpecks(ink, contrast);
    return ink;
  }

  // label finds a mask's connected parts: ink at most 2r pixels apart is connected. labels is 0 where there is no ink.
  function label(m, r) {
    const wide = r > 0 ? widenedBy(m, r) : m;
    m.parts = [];
    m.labels = new Int32Array(m.set.length);
    for (let start = 0; start < wide.set.length; start++) {
      if (!wide.set[start] || m.labels[start]) continue;
      const p = Object.assign(noBox(), {label: m.parts.length + 1, area: 0});
      m.labels[start] = p.label;
      const stack = [start];
      while (stack.length) {
        const i = stack.pop(), x = i % m.w, y = (i - x) / m.w;
        if (m.set[i]) { p.area++; add(p, x, y); }
        for (let yy = Math.max(0, y - 1); yy <= Math.min(m.h - 1, y + 1); yy++) {
          for (let xx = Math.max(0, x - 1); xx <= Math.min(m.w - 1, x + 1); xx++) {
            const j = yy * m.w + xx;
            if (wide.set[j] && !m.labels[j]) { m.labels[j] = p.label; stack.push(j); }
          }
        }
      }
      m.parts.push(p);
    }
    for (let i = 0; i < m.set.length; i++) if (!m.set[i]) m.labels[i] = 0;
  }

  function dropFrames(ink) {
    const rest = ink.parts.filter((p) => p.area > hollow * w(p) * h(p) || !ink.parts.some((o) => encloses(ink, p, o)));
    const largest = Math.max(0, ...rest.map(side));
    if (largest >= leastSide * Math.min(ink.w, ink.h)) ink.parts = rest;
  }

  // encloses says whether a part has ink on all sides of another, which is not much smaller.
  function encloses(ink, outer, inner) {
    if (outer.label === inner.label || inner.x0 <= outer.x0 || inner.x1 >= outer.x1 || inner.y0 <= outer.y0 || inner.y1 >= outer.y1 ||
      h(inner) < enclosed * h(outer)) return false;
    const x = (inner.x0 + inner.x1) >> 1, y = (inner.y0 + inner.y1) >> 1;
    return [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1], [1, -1], [-1, 1]].every(([dx, dy]) => {
      for (let xx = x, yy = y; xx >= 0 && yy >= 0 && xx < ink.w && yy < ink.h; xx += dx, yy += dy) {
        if (ink.labels[yy * ink.w + xx] === outer.label) return true;
      }
      return false;
    });
  }

  function dropSpecks(ink, contrast) {
    let largest = Object.assign(noBox(), {area: 0, label: 0});
    for (const p of ink.parts) if (side(p) > side(largest)) largest = p;
    if (side(largest) < Math.max(leastSide * Math.min(ink.w, ink.h), 4)) { ink.parts = []; return; }
    const most = Math.max(...ink.parts.map((p) => p.label));
    const counts = new Float32Array(most + 1), sums = new Float32Array(most + 1);
    for (let i = 0; i < ink.labels.length; i++) {
      const l = ink.labels[i];
      if (l && l <= most) { counts[l]++; sums[l] += contrast.v[i]; }
    }
    const level = (p) => Math.fround(sums[p.label] / counts[p.label]);
    ink.parts = ink.parts.filter((p) => !(side(p) < speckSide * side(largest) && p.area < speckArea * largest.area ||
      level(p) < Math.fround(pale * level(largest)) && p.area < paleArea * largest.area));
  }

  // ---- subjects

  function subjects(contrast, ink, frame) {
    if (!ink.parts.length) return [];
    if (!frame.stroke) return [subject(contrast, ink, ink.parts, frame)];
    if (ink.parts.length > mostParts) return [];
    let row = Math.max(...ink.parts.map(h));
    const wide = Math.max(...ink.parts.map(w));
    if (wide > 2 * row && ink.parts.length === 1) row = wide; // a bar alone
    const found = groups(ink.parts, row);
    return found.all.filter((g) => side(g) >= bar * found.row).map((g) => subject(contrast, ink, g.parts, frame));
  }

  // groups puts the parts that make one digit together, from left to right; row is how high the highest is.
  function groups(parts, row) {
    const all = parts.map((p) => ({x0: p.x0, y0: p.y0, x1: p.x1, y1: p.y1, parts: [p]}));
    for (let joined = true; joined;) {
      joined = false;
      pairs: for (let i = 0; i < all.length; i++) {
        for (let j = 0; j < all.length; j++) {
          if (i === j || !oneDigit(all[i], all[j], row)) continue;
          union(all[i], all[j]);
          all[i].parts = all[i].parts.concat(all[j].parts);
          row = Math.max(row, h(all[i]));
          all.splice(j, 1);
          joined = true;
          break pairs;
        }
      }
    }
    all.sort((a, b) => a.x0 + a.x1 - b.x0 - b.x1);
    return {all, row};
  }

  function oneDigit(a, b, height) {
    const overlap = Math.min(a.x1, b.x1) - Math.max(a.x0, b.x0); // negative: a gap
    const apart = Math.max(a.y0, b.y0) - Math.min(a.y1, b.y1); // below one another
    if (overlap >= together * Math.min(w(a), w(b))) return true;
    if (Math.min(h(a), h(b)) < bar * height) return -overlap < barGap * height && apart < barGap * height;
    return overlap < 0 && -overlap < brokenGap * height;
  }

  // subject returns the crop with some parts: {plane, ink, at}.
  function subject(contrast, ink, parts, frame) {
    const b = noBox(), mine = new Set(parts.map((p) => p.label));
    for (const p of parts) union(b, p);
    const margin = 2 + Math.floor(side(b) / softEdge);
    const x0 = b.x0 - margin, y0 = b.y0 - margin;
    const s = {at: b, plane: crop(contrast, x0, y0, b.x1 + margin, b.y1 + margin)};
    s.ink = mask(s.plane.w, s.plane.h);
    const other = mask(s.plane.w, s.plane.h), levels = [];
    for (let y = Math.max(y0, 0); y < Math.min(b.y1 + margin, contrast.h); y++) {
      for (let x = Math.max(x0, 0); x < Math.min(b.x1 + margin, contrast.w); x++) {
        const i = y * contrast.w + x, j = (y - y0) * s.plane.w + x - x0;
        if (!ink.set[i]) continue;
        if (mine.has(ink.labels[i])) { s.ink.set[j] = 1; levels.push(contrast.v[i]); } else other.set[j] = 1;
      }
    }
    const full = quantile(levels, frame.stroke ? 0.8 : 0.98);
    const near = widenedBy(s.ink, 1 + Math.floor(side(b) / softEdge));
    for (let i = 0; i < s.plane.v.length; i++) {
      const v = Math.fround(s.plane.v[i] / full);
      s.plane.v[i] = v < faint || frame.stroke && (!near.set[i] || other.set[i]) ? 0 : Math.min(v, 1);
    }
    const k = Math.ceil(fine / side(b));
    if (k > 1) {
      s.plane = grown(s.plane, k);
      s.ink = over(s.plane, inkShare);
    }
    return s;
  }

  // grown returns a plane k times as large, interpolated.
  function grown(p, k) {
    const f = Math.fround, big = plane(p.w * k, p.h * k), rows = between(k, big.h, p.h), columns = between(k, big.w, p.w);
    for (let y = 0; y < big.h; y++) {
      const a = rows[y].first * p.w, b = rows[y].second * p.w;
      for (let x = 0; x < big.w; x++) {
        const {first, second, share} = columns[x];
        const top = f(p.v[a + first] + f(f(p.v[a + second] - p.v[a + first]) * share));
        const bottom = f(p.v[b + first] + f(f(p.v[b + second] - p.v[b + first]) * share));
        big.v[y * big.w + x] = f(top + f(f(bottom - top) * rows[y].share));
      }
    }
    return big;
  }

  function between(k, pixels, count) {
    const inside = (i) => Math.min(Math.max(i, 0), count - 1);
    return Array.from({length: pixels}, (_, i) => {
      const at = (i + 0.5) / k - 0.5, low = Math.floor(at);
      return {first: inside(low), second: inside(low + 1), share: Math.fround(at - low)};
    });
  }

  // ---- thickness

  function thickness(s, frame) {
    if (!frame.stroke) return s.plane;
    const b = noBox();
    for (let i = 0; i < s.ink.set.length; i++) if (s.ink.set[i]) add(b, i % s.ink.w, Math.floor(i / s.ink.w));
    const box = Math.max(w(b) * frame.box_rows, h(b) * frame.box_cols) / (frame.box_rows * frame.box_cols); // pixels of one of the frame
    const width = strokeOf(s.ink);
    if (width / box >= thin * frame.stroke) return s.plane;
    const boxSide = Math.min(frame.box_rows, frame.box_cols), length = box * boxSide;
    return widened(s.ink, (frame.stroke * length / boxSide - width) / (2 * (1 - frame.stroke / boxSide)));
  }

  // strokeOf returns the typical width of the strokes in a mask: twice the area by the perimeter.
  function strokeOf(m) {
    const at = (x, y) => x >= 0 && y >= 0 && x < m.w && y < m.h ? m.set[y * m.w + x] : 0;
    let area = 0, perimeter = 0;
    for (let y = -1; y < m.h; y++) {
      for (let x = -1; x < m.w; x++) {
        area += at(x, y);
        const n = at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1);
        if (n === 1 || n === 3) perimeter += Math.SQRT2 / 2;
        else if (n === 2) perimeter += at(x, y) === at(x + 1, y + 1) ? Math.SQRT2 : 1;
      }
    }
    return 2 * area / Math.max(perimeter, 1);
  }

  // widened returns a mask's ink widened by r pixels on each side, with smooth edges.
  function widened(m, r) {
    const margin = Math.ceil(r) + 1, out = plane(m.w + 2 * margin, m.h + 2 * margin);
    const d = new Float64Array(out.v.length).fill(1e12); // the square of the distance from the nearest pixel of the mask
    for (let i = 0; i < m.set.length; i++) if (m.set[i]) d[(Math.floor(i / m.w) + margin) * out.w + i % m.w + margin] = 0;
    for (let x = 0; x < out.w; x++) envelope(d, x, out.w, out.h);
    for (let y = 0; y < out.h; y++) envelope(d, y * out.w, 1, out.w);
    for (let i = 0; i < d.length; i++) out.v[i] = Math.min(Math.max(r + 0.5 - Math.sqrt(d[i]), 0), 1);
    return out;
  }

  // envelope puts the lower envelope of the parabolas (x - i)² + f[i] in place of n values f (Felzenszwalb, Huttenlocher).
  function envelope(values, first, stride, n) {
    const f = Float64Array.from({length: n}, (_, i) => values[first + i * stride]), parabolas = [0], starts = [-Infinity, Infinity];
    let k = 0;
    for (let i = 1; i < n; i++) {
      let s;
      for (;; k--) {
        const p = parabolas[k];
        s = (f[i] + i * i - f[p] - p * p) / (2 * (i - p));
        if (s > starts[k]) break;
      }
      k++;
      parabolas[k] = i; starts[k] = s; starts[k + 1] = Infinity;
    }
    k = 0;
    for (let x = 0; x < n; x++) {
      while (starts[k + 1] < x) k++;
      values[first + x * stride] = (x - parabolas[k]) * (x - parabolas[k]) + f[parabolas[k]];
    }
  }

  // ---- scale and place

  function scale(p, frame) {
    const b = extent(p), part = crop(p, b.x0, b.y0, b.x1, b.y1);
    const factor = Math.min(frame.box_cols / part.w, frame.box_rows / part.h);
    const size = (n) => Math.max(1, Math.round(n * factor));
    return catmullRom(bytes(part.v), part.w, part.h, size(part.w), size(part.h));
  }

  function bytes(values) {
    return Uint8Array.from(values, (v) => Math.fround(Math.fround(255 * Math.min(Math.max(v, 0), 1)) + 0.5));
  }

  // extent returns the box of what has more than three tenths of the full contrast.
  function extent(p) {
    const b = noBox();
    for (let i = 0; i < p.v.length; i++) if (p.v[i] > boxed) add(b, i % p.w, Math.floor(i / p.w));
    return b.x1 === 0 ? {x0: 0, y0: 0, x1: p.w, y1: p.h} : b;
  }

  // catmullRom scales grey values as golang.org/x/image/draw does: first along the rows, then along the columns.
  function catmullRom(grey, sw, sh, dw, dh) {
    const horizontal = weights(dw, sw), vertical = weights(dh, sh), rows = new Float64Array(dw * sh), out = plane(dw, dh);
    for (let y = 0; y < sh; y++) {
      for (let x = 0; x < dw; x++) {
        let sum = 0;
        for (const [from, weight] of horizontal[x].from) sum += grey[y * sw + from] * 0x101 * weight;
        rows[y * dw + x] = sum * (horizontal[x].inverse / 0xffff);
      }
    }
    for (let x = 0; x < dw; x++) {
      for (let y = 0; y < dh; y++) {
        let sum = 0, all = 0;
        for (const [from, weight] of vertical[y].from) { sum += rows[from * dw + x] * weight; all += weight; }
        const value = Math.trunc(0xffff * (Math.min(sum, all) * vertical[y].inverse) + 0.5);
        out.v[y * dw + x] = (Math.min(Math.max(value, 0), 0xffff) >> 8) / 255;
      }
    }
    return out;
  }

  function weights(dw, sw) {
    const ratio = sw / dw, half = ratio > 1 ? 2 * ratio : 2, argument = ratio > 1 ? 1 / ratio : 1;
    return Array.from({length: dw}, (_, x) => {
      const centre = (x + 0.5) * ratio - 0.5, from = [];
      let total = 0;
      for (let i = Math.max(0, Math.floor(centre - half)); i < Math.min(sw, Math.ceil(centre + half)); i++) {
        const t = Math.abs((centre - i) * argument);
        const weight = t >= 2 ? 0 : t < 1 ? (1.5 * t - 2.5) * t * t + 1 : ((-0.5 * t + 2.5) * t - 4) * t + 2;
        if (weight !== 0) { total += weight; from.push([i, weight]); }
      }
      return {from, inverse: 1 / total};
    });
  }

  function place(p, frame) {
    let sum = 0, x = 0, y = 0;
    if (frame.centre === 'box') {
      const b = extent(p);
      x = (b.x0 + b.x1) / 2; y = (b.y0 + b.y1) / 2;
    } else {
      for (let i = 0; i < p.v.length; i++) {
        const v = p.v[i];
        sum += v; x += v * (i % p.w + 0.5); y += v * (Math.floor(i / p.w) + 0.5);
      }
      x /= sum; y /= sum;
    }
    const at = (move, length, of) => Math.min(Math.max(Math.round(move), 0), of - length);
    const left = at((frame.centre_col || frame.cols / 2) - x, p.w, frame.cols), top = at((frame.centre_row || frame.rows / 2) - y, p.h, frame.rows);
    const image = new Uint8Array(frame.rows * frame.cols), small = bytes(p.v);
    for (let i = 0; i < small.length; i++) image[(top + Math.floor(i / p.w)) * frame.cols + left + i % p.w] = small[i];
    return image;
  }

  // whole scales all of a picture, and inverts it where its border is light: whole.go.
  function whole(pixels, width, height, frame) {
    const grey = Uint8Array.from({length: width * height}, (_, i) => pixels[4 * i]);
    const image = bytes(catmullRom(grey, width, height, frame.cols, frame.rows).v), border = [];
    for (let x = 0; x < frame.cols; x++) border.push(image[x], image[(frame.rows - 1) * frame.cols + x]);
    for (let y = 0; y < frame.rows; y++) border.push(image[y * frame.cols], image[y * frame.cols + frame.cols - 1]);
    border.sort((a, b) => a - b);
    if (frame.light || border[border.length >> 1] >= 128) for (let i = 0; i < image.length; i++) image[i] = 255 - image[i];
    return image;
  }
})(globalThis.lenet = globalThis.lenet || {});
