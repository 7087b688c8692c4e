'use strict';
// A canvas that a network reads while one draws on it. Everything is computed here, by prepare.js and network.js.
//
// An element <div class="draw"> becomes one. Its network's description is the JSON in a <script type="application/json"> in it, or is fetched from its
// data-network. With data-keep, an address, a drawing that was misread can be kept under its right label.
//
// What is drawn becomes a picture: black strokes on white, of the canvas's size and a fifth of the picture's side more on each side, which is what
// prepare.js expects. The program gets the same picture as a PNG, and so sees the same.
(function (lenet) {
  const canvasSize = {width: 420, height: 280}; // in units; a stroke's points are in units, too
  const margin = {x: 140, y: 94};
  const pen = 18; // units; of a digit of 150 to 200 units it makes the strokes of MNIST, 2 to 2.5 of 20 pixels
  const step = 10; // units that an arrow key moves the pen

  lenet.mount = async function (root) {
    const inline = root.querySelector('script[type="application/json"]');
    let description;
    try {
      description = JSON.parse(inline ? inline.textContent : await fetched(root.dataset.network));
    } catch (error) {
      root.textContent = 'The network cannot be loaded: ' + error.message;
      return null;
    }
    const drawing = new Drawing(root, description);
    root.drawing = drawing; // for tests and the console
    return drawing;
  };

  async function fetched(address) {
    const answer = await fetch(address);
    const text = await answer.text();
    if (!answer.ok) throw new Error(JSON.parse(text).error);
    return text;
  }

  // element makes an element of a class, with a text, in a parent.
  function element(parent, name, className, text) {
    const e = document.createElement(name);
    if (className) e.className = className;
    if (text !== undefined) e.textContent = text;
    parent.append(e);
    return e;
  }

  class Drawing {
    constructor(root, description) {
      this.description = description;
      this.network = lenet.network(description);
      this.strokes = []; // each an array of {x, y}
      this.current = null; // the stroke that is being drawn
      this.cursor = null; // the keyboard's pen: {x, y, down}
      this.chosen = 0; // which of several digits is shown
      this.digits = []; // {pixels, bounds, result}
      this.picture = document.createElement('canvas');
      this.picture.width = canvasSize.width + 2 * margin.x;
      this.picture.height = canvasSize.height + 2 * margin.y;
      this.paper = this.picture.getContext('2d', {alpha: false, willReadFrequently: true});
      this.build(root);
      this.read();
    }

    build(root) {
      root.replaceChildren();
      const left = element(root, 'div', 'draw-left');
      this.canvas = element(left, 'canvas', 'draw-canvas');
      this.canvas.tabIndex = 0;
      this.canvas.setAttribute('role', 'application');
      this.canvas.setAttribute('aria-label', 'Drawing area. Draw with mouse, pen or finger. With the keyboard: arrow keys move the pen, space puts it down or lifts it, Ctrl+Z takes a stroke back, Escape clears.');
      const buttons = element(left, 'p', 'draw-buttons');
      this.undoButton = button(buttons, 'Undo', () => this.undo());
      this.clearButton = button(buttons, 'Clear', () => this.clear());
      this.answer = element(left, 'p', 'draw-answer');
      this.answer.setAttribute('aria-live', 'polite');
      this.row = element(left, 'p', 'draw-row');
      if (root.dataset.keep) this.buildKeep(left, root.dataset.keep);

      const right = element(root, 'div', 'draw-right');
      this.bars = element(right, 'ol', 'draw-bars');
      this.layers = element(right, 'div', 'draw-layers');

      this.canvas.addEventListener('pointerdown', (e) => this.down(e));
      this.canvas.addEventListener('pointermove', (e) => this.move(e));
      for (const name of ['pointerup', 'pointercancel']) this.canvas.addEventListener(name, () => this.up());
      this.canvas.addEventListener('keydown', (e) => this.key(e));
      this.canvas.addEventListener('blur', () => { this.cursor = null; this.up(); });
      new ResizeObserver(() => this.paint()).observe(this.canvas);
    }

    buildKeep(parent, address) {
      this.keepAddress = address;
      this.keep = element(parent, 'fieldset', 'draw-keep');
      element(this.keep, 'legend', '', 'Wrong? Keep the drawing as');
      this.description.names.forEach((name, label) => button(this.keep, name, () => this.save(label)));
      this.kept = element(this.keep, 'output', '');
    }

    // ---- drawing

    place(event) {
      const box = this.canvas.getBoundingClientRect();
      return {x: (event.clientX - box.left) / box.width * canvasSize.width, y: (event.clientY - box.top) / box.height * canvasSize.height};
    }

    down(event) {
      if (event.button !== 0) return;
      event.preventDefault();
      this.canvas.focus({preventScroll: true});
      this.canvas.setPointerCapture(event.pointerId);
      this.cursor = null;
      this.begin(this.place(event));
    }

    move(event) {
      if (!this.current || this.cursor) return;
      const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
      for (const e of events.length ? events : [event]) this.current.push(this.place(e));
      this.changed();
    }

    up() { this.current = null; }

    begin(point) {
      this.current = [point];
      this.strokes.push(this.current);
      this.changed();
    }

    undo() { this.up(); this.strokes.pop(); this.changed(); }
    clear() { this.up(); this.strokes = []; this.changed(); }

    key(event) {
      const moves = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]};
      const c = this.cursor || {x: canvasSize.width / 2, y: canvasSize.height / 4, down: false};
      if (event.key === 'Escape') this.clear();
      else if (event.key === 'z' && (event.ctrlKey || event.metaKey)) this.undo();
      else if (event.key === ' ') {
        c.down = !c.down;
        this.cursor = c;
        if (c.down) this.begin({x: c.x, y: c.y}); else this.up();
      } else if (moves[event.key]) {
        c.x = Math.min(Math.max(c.x + moves[event.key][0], 0), canvasSize.width);
        c.y = Math.min(Math.max(c.y + moves[event.key][1], 0), canvasSize.height);
        this.cursor = c;
        if (c.down && this.current) this.current.push({x: c.x, y: c.y});
      } else return;
      event.preventDefault();
      this.changed();
    }

    // trace draws all strokes, as smooth lines, on a context whose units are the canvas's.
    trace(context) {
      context.lineWidth = pen;
      context.lineCap = context.lineJoin = 'round';
      for (const s of this.strokes) {
        context.beginPath();
        context.moveTo(s[0].x, s[0].y);
        for (let i = 1; i + 1 < s.length; i++) context.quadraticCurveTo(s[i].x, s[i].y, (s[i].x + s[i + 1].x) / 2, (s[i].y + s[i + 1].y) / 2);
        const last = s[s.length - 1];
        context.lineTo(last.x + (s.length > 1 ? 0 : 0.01), last.y);
        context.stroke();
      }
    }

    // paint draws what one sees.
    paint() {
      const scale = this.canvas.clientWidth / canvasSize.width * (window.devicePixelRatio || 1);
      this.canvas.width = Math.max(1, Math.round(canvasSize.width * scale));
      this.canvas.height = Math.max(1, Math.round(canvasSize.height * scale));
      const context = this.canvas.getContext('2d');
      context.setTransform(scale, 0, 0, scale, 0, 0);
      context.strokeStyle = '#1c1e21';
      this.trace(context);
      if (this.cursor) {
        context.fillStyle = this.cursor.down ? '#d56e00' : '#0069a6';
        context.beginPath();
        context.arc(this.cursor.x, this.cursor.y, pen / 2, 0, 2 * Math.PI);
        context.fill();
      }
      this.digits.forEach((d, i) => {
        if (this.digits.length < 2 || i !== this.chosen) return;
        context.strokeStyle = '#0069a6';
        context.lineWidth = 1.5;
        const b = d.bounds;
        context.strokeRect(b.x0 - margin.x - 6, b.y0 - margin.y - 6, b.x1 - b.x0 + 12, b.y1 - b.y0 + 12);
      });
    }

    changed() {
      this.paint();
      if (this.waiting) return;
      this.waiting = true;
      requestAnimationFrame(() => { this.waiting = false; this.read(); });
    }

    // ---- reading

    // pixels returns the picture's pixels.
    pixels() {
      const p = this.paper;
      p.setTransform(1, 0, 0, 1, 0, 0);
      p.fillStyle = '#fff';
      p.fillRect(0, 0, this.picture.width, this.picture.height);
      p.save();
      p.beginPath();
      p.rect(margin.x, margin.y, canvasSize.width, canvasSize.height);
      p.clip();
      p.translate(margin.x, margin.y);
      p.strokeStyle = '#000';
      this.trace(p);
      p.restore();
      return p.getImageData(0, 0, this.picture.width, this.picture.height).data;
    }

    read() {
      const found = this.strokes.length ? lenet.prepare(this.pixels(), this.picture.width, this.picture.height, this.description.frame) : [];
      this.digits = found.map((d) => ({pixels: d.pixels, bounds: d.bounds, result: this.network.classify(d.pixels)}));
      this.chosen = Math.max(0, this.digits.length - 1);
      this.show();
    }

    name(result) { return this.description.names[result.predicted]; }

    show() {
      this.paint();
      const any = this.strokes.length > 0;
      this.undoButton.disabled = this.clearButton.disabled = !any;
      const shown = this.digits[this.chosen];
      this.showRow();
      this.showBars(shown && shown.result);
      this.showLayers(shown);
      if (this.keep) {
        this.keep.disabled = this.digits.length !== 1;
        this.kept.textContent = this.digits.length > 1 ? 'One alone can be kept.' : '';
      }
      let text = any ? 'Nothing to read yet' : 'Draw a digit, or a row of them';
      if (this.digits.length === 1) text = this.name(shown.result) + ', ' + percent(shown.result.probabilities[shown.result.predicted]);
      if (this.digits.length > 1) text = this.digits.map((d) => this.name(d.result)).join(' ');
      if (this.answer.textContent !== text) this.answer.textContent = text;
      this.answer.classList.toggle('dim', !shown);
    }

    // showRow has a button for each of several digits, to see what the network makes of it.
    showRow() {
      this.row.replaceChildren();
      if (this.digits.length < 2) return;
      this.digits.forEach((d, i) => {
        const b = button(this.row, this.name(d.result), () => { this.chosen = i; this.show(); });
        b.setAttribute('aria-pressed', String(i === this.chosen));
      });
    }

    showBars(result) {
      const names = this.description.names;
      let order = names.map((_, i) => i);
      if (names.length > 12) { // the most probable
        order = result ? order.sort((a, b) => result.probabilities[b] - result.probabilities[a]).slice(0, 10) : order.slice(0, 10);
      }
      while (this.bars.children.length < order.length) {
        const item = element(this.bars, 'li');
        element(item, 'span', 'draw-name');
        element(element(item, 'span', 'draw-bar'), 'span');
        element(item, 'span', 'draw-share');
      }
      order.forEach((label, i) => {
        const [name, bar, share] = this.bars.children[i].children;
        const p = result ? result.probabilities[label] : 0;
        name.textContent = names[label];
        bar.firstChild.style.width = 100 * p + '%';
        share.textContent = result ? percent(p) : '';
        this.bars.children[i].classList.toggle('best', Boolean(result) && label === result.predicted);
      });
    }

    showLayers(shown) {
      const d = this.description;
      const layers = shown ? [
        ['What the network sees, ' + d.rows + '×' + d.cols, {channels: 1, rows: d.rows, cols: d.cols, values: shown.pixels}, 112],
        ['First convolution', shown.result.conv1, 48], ['its max-pool', shown.result.pool1, 48],
        ['Second convolution', shown.result.conv2, 34], ['its max-pool', shown.result.pool2, 34],
        ['First hidden layer', vector(shown.result.fc1)], ['Second hidden layer', vector(shown.result.fc2)],
        ['Logits', vector(shown.result.logits)],
      ] : [];
      while (this.layers.children.length > layers.length) this.layers.lastChild.remove();
      layers.forEach(([title, maps, side], i) => {
        const f = this.layers.children[i] || element(this.layers, 'figure');
        if (!f.firstChild) { element(f, 'figcaption'); element(f, 'canvas').setAttribute('role', 'img'); }
        const count = maps.rows === 1 ? maps.cols + ' values' : maps.channels + (maps.channels > 1 ? ' maps of ' : ' map of ') + maps.rows + '×' + maps.cols;
        f.children[0].textContent = i === 0 ? title : title + ', ' + count;
        f.children[1].setAttribute('aria-label', f.children[0].textContent);
        paintMaps(f.children[1], maps, side);
      });
    }

    // ---- keeping

    // png returns the picture as a PNG file.
    png() {
      this.pixels();
      return new Promise((resolve) => this.picture.toBlob(resolve, 'image/png'));
    }

    async save(label) {
      const name = this.description.names[label];
      try {
        const answer = await fetch(this.keepAddress + (this.keepAddress.includes('?') ? '&' : '?') + 'label=' + label, {method: 'POST', body: await this.png()});
        const said = await answer.json();
        if (!answer.ok) throw new Error(said.error);
        this.kept.textContent = 'Kept as ' + name + ': ' + said.file;
      } catch (error) {
        this.kept.textContent = 'Not kept: ' + error.message;
      }
    }
  }

  function button(parent, text, action) {
    const b = element(parent, 'button', '', text);
    b.type = 'button';
    b.addEventListener('click', action);
    return b;
  }

  function percent(p) { return (100 * p).toFixed(1) + ' %'; }

  function vector(values) { return {channels: 1, rows: 1, cols: values.length, values}; }

  // paintMaps draws a layer's maps beside each other, black for the layer's smallest value and white for its largest; a side is in CSS pixels.
  function paintMaps(canvas, maps, side) {
    const gap = maps.channels > 1 ? 1 : 0;
    const width = maps.channels * (maps.cols + gap) - gap;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== maps.rows) canvas.height = maps.rows;
    if (side) canvas.style.width = Math.round(width * side / maps.cols) + 'px';
    let low = Infinity, high = -Infinity;
    for (const v of maps.values) { low = Math.min(low, v); high = Math.max(high, v); }
    const context = canvas.getContext('2d');
    const image = context.createImageData(width, maps.rows);
    for (let c = 0; c < maps.channels; c++) {
      for (let y = 0; y < maps.rows; y++) {
        for (let x = 0; x < maps.cols; x++) {
          const v = maps.values[(c * maps.rows + y) * maps.cols + x];
          const to = 4 * (y * width + c * (maps.cols + gap) + x);
          image.data[to] = image.data[to + 1] = image.data[to + 2] = high > low ? Math.round(255 * (v - low) / (high - low)) : 0;
          image.data[to + 3] = 255;
        }
      }
    }
    context.putImageData(image, 0, 0);
  }

  lenet.mountAll = function () { return Promise.all(Array.from(document.querySelectorAll('.draw'), lenet.mount)); };
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', lenet.mountAll);
  else lenet.mountAll();
})(globalThis.lenet = globalThis.lenet || {});
