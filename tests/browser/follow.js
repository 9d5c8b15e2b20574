// A camera before which somebody does what the page says, a little further after each picture that is taken, so that a slow
// machine sees a slow person. Until `window.mayMove` holds they wait, and the camera is not quite sharp.
const [{ side, front, ways }] = arguments;
return begin();

function bitmap(encoded) {
  return createImageBitmap(new Blob([Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0))], { type: 'image/jpeg' }));
}

async function begin() {
  const film = {};
  for (const [text, pictures] of Object.entries(ways)) film[text] = await Promise.all(pictures.map(bitmap));
  perform(film, await bitmap(front));
  listen();
}

function perform(film, straight) {
  const canvas = document.createElement('canvas');
  canvas.width = side;
  canvas.height = side;
  const pen = canvas.getContext('2d');
  let text = null;
  let place = 0;

  function draw() {
    const seconds = performance.now() / 1000;
    const shaky = () => (Math.random() - 0.5) * 2;
    pen.resetTransform();
    // Nobody is quite still, and nobody is twice in one place.
    pen.translate(side / 2 + 26 * Math.sin(seconds / 6) + shaky(), side / 2 + 16 * Math.cos(seconds / 4.7) + shaky());
    pen.rotate(0.02 * Math.sin(seconds / 3.1));
    pen.scale(1.2, 1.2);
    pen.filter = `brightness(${1 + 0.03 * Math.sin(seconds / 3.7)}) blur(${window.mayMove ? 0 : 1.2}px)`;
    pen.drawImage(place ? film[text][place - 1] : straight, -side / 2, -side / 2);
  }

  function move() {
    const asked = document.querySelector('.say')?.textContent;
    if (!window.mayMove) {
      place = 0;
      return;
    }
    if (place === 0 && asked in film) text = asked;
    if (asked === text) place = Math.min(place + 1, film[text].length);
    else if (asked in film || asked === 'Look straight into the camera') place = Math.max(place - 1, 0);
  }

  const encode = HTMLCanvasElement.prototype.toDataURL;
  HTMLCanvasElement.prototype.toDataURL = function toDataURL(...rest) {
    const encoded = encode.apply(this, rest);
    move();
    return encoded;
  };

  window.mayMove = false;
  // No faster, or the page's own work waits for this.
  setInterval(draw, 100);
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(10);
}

/** Which pictures the service took for the best, and which the page shows. */
function listen() {
  window.best = [];
  const ask = window.fetch;
  window.fetch = async (path, options) => {
    const answer = await ask(path, options);
    if (path.endsWith('/frames')) {
      const { frame } = await answer.clone().json();
      if (frame?.is_best) window.best.push(options.body.get('image'));
    }
    return answer;
  };
  const addressOf = URL.createObjectURL;
  URL.createObjectURL = (blob) => {
    window.shown = blob;
    return addressOf.call(URL, blob);
  };
}
