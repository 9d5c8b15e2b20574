// What on this page has no name for a screen reader, is too small for a finger, too faint to read, or comes twice.
const faults = [];
const seen = [...document.querySelectorAll('a, button, input, select, textarea, summary, [role="img"], video')]
  .filter((node) => node.checkVisibility() && !node.classList.contains('skip'));
for (const node of seen) {
  const labels = [...(node.labels ?? [])].map((label) => label.innerText);
  const name = [node.getAttribute('aria-label'), ...labels, node.innerText, node.querySelector?.('img')?.alt].join('').trim();
  if (!name) faults.push(`${node.outerHTML.slice(0, 120)} has no name`);
  const inText = node.tagName === 'A' && !node.matches('nav a, .button, .open, .brand');
  const target = node.closest('label') ?? node;
  if (!inText && !node.matches('canvas, svg, video') && target.getBoundingClientRect().height < 44) {
    faults.push(`${node.outerHTML.slice(0, 120)} is ${target.getBoundingClientRect().height} pixels high`);
  }
}
const ids = [...document.querySelectorAll('[id]')].map((node) => node.id);
for (const id of ids.filter((id, index) => ids.indexOf(id) !== index)) faults.push(`the id ${id} is there twice`);
for (const node of document.querySelectorAll('img')) if (!node.hasAttribute('alt')) faults.push('a picture has no alt');
for (const tag of ['h1', 'main', 'header', 'nav']) if (!document.querySelector(tag)) faults.push(`there is no ${tag}`);
for (const node of document.querySelectorAll('body *')) {
  const text = [...node.childNodes].filter((child) => child.nodeType === Node.TEXT_NODE).map((child) => child.data.trim()).join('');
  if (!text || !node.checkVisibility() || node.closest('[disabled], .unseen, .skip, script, noscript, option')) continue;
  const style = getComputedStyle(node);
  const size = parseFloat(style.fontSize);
  const isLarge = size >= 24 || (size >= 18.5 && Number(style.fontWeight) >= 700);
  const found = contrast(parsed(node instanceof SVGElement ? style.fill : style.color), ground(node));
  if (found < (isLarge ? 3 : 4.5)) faults.push(`“${text.slice(0, 40)}” has a contrast of ${found.toFixed(2)}`);
}
return faults;

/** Red, green and blue of 0 to 255, and how much they cover. */
function parsed(color) {
  const [red, green, blue, alpha = 1] = color.match(/[\d.]+/g).map(Number);
  return { channels: [red, green, blue], alpha };
}

/** The colour behind an element: what its parents lay over each other. */
function ground(node) {
  if (!node) return { channels: [255, 255, 255], alpha: 1 };
  const own = parsed(getComputedStyle(node).backgroundColor);
  return own.alpha === 1 ? own : over(own, ground(node.parentElement));
}

function over(front, back) {
  return { channels: front.channels.map((value, index) => value * front.alpha + back.channels[index] * (1 - front.alpha)), alpha: 1 };
}

/** The ratio of two luminances, after WCAG 2.2. */
function contrast(front, back) {
  const luminance = ({ channels }) => {
    const [red, green, blue] = channels.map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [dark, light] = [luminance(over(front, back)), luminance(back)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
