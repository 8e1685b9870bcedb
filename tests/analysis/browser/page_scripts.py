"""JavaScript that the browser tests run inside the page; each returns what a reader would find wrong."""

NAME = """
const name = e => [e.localName, e.id && '#' + e.id, ...[...e.classList].map(c => '.' + c)].filter(Boolean).join('');
"""

LOAD_AND_UNFOLD = """
const done = arguments[0];
document.querySelectorAll('details').forEach(e => { e.open = true; });
const images = [...document.images];
images.forEach(e => { e.loading = 'eager'; });
Promise.all(images.map(e => e.decode().catch(() => {}))).then(() => done());
"""

MISSING_IMAGES = """
return [...document.images].filter(e => !e.complete || e.naturalWidth === 0).map(e => (e.getAttribute('src') || 'no src').slice(0, 80));
"""

# A part of the page that scrolls sideways excuses what it holds. One that cuts off does not, nor does the page itself.
# On a phone innerWidth grows with what overflows, so the page is held against the width of the screen.
OVERFLOW = (
    NAME
    + """
const root = document.documentElement, width = Math.min(arguments[0], root.clientWidth), found = [];
if (root.scrollWidth > width) found.push(`html is ${root.scrollWidth} wide, the screen ${width}`);
const visit = e => {
  const box = e.getBoundingClientRect();
  if (box.width > 0 && box.height > 0 && box.right > width + 1) { found.push(`${name(e)} reaches to ${Math.round(box.right)}`); return; }
  if (e !== document.body && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX)) return;
  [...e.children].forEach(visit);
};
visit(document.body);
return found;
"""
)

# Colours are [red, green, blue, alpha], 0 to 255 and 0 to 1; a canvas reads every notation of CSS.
# `seen` paints a chain of nested elements onto a ground, with the text in the last: [text, around it] for each colour
# that the grounds can have (a gradient has several). Opacity mixes a whole element with what is behind it.
# A gradient of a size in pixels is an ornament at the edge (the shadow of a scrolled box) and is left out.
COLOURS = """
const paint = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true}), known = new Map();
const rgba = colour => {
  if (!known.has(colour)) {
    paint.clearRect(0, 0, 1, 1); paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
    known.set(colour, [r, g, b, a / 255]);
  }
  return known.get(colour);
};
const mix = (top, below, share) => [0, 1, 2].map(i => share * top[i] + (1 - share) * below[i]);
const canvas = () => {
  const probe = document.body.appendChild(document.createElement('i'));
  probe.style.backgroundColor = 'Canvas';
  const colour = rgba(getComputedStyle(probe).backgroundColor);
  probe.remove();
  return colour;
};
const grounds = (style, below) => {
  const colour = rgba(style.backgroundColor), plain = mix(colour, below, colour[3]);
  if (style.backgroundSize.includes('px')) return [plain];
  const stops = style.backgroundImage.match(/(rgba?|hsla?|color|lab|lch|oklab|oklch)\\([^()]*\\)/g) || [];
  return stops.length ? stops.map(rgba).map(stop => mix(stop, plain, stop[3])) : [plain];
};
const seen = ([element, ...inner], below, ink) => {
  if (!element) return [[mix(ink, below, ink[3]), below]];
  const style = getComputedStyle(element), opacity = Number(style.opacity);
  return grounds(style, below).flatMap(ground => seen(inner, ground, ink))
    .map(pair => pair.map(colour => mix(colour, below, opacity)));
};
const luminance = colour => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
  const part = colour[i] / 255;
  return sum + weight * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
}, 0);
const contrast = pair => {
  const [dark, light] = pair.map(luminance).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};
"""

CONTRASTS = (
    NAME
    + COLOURS
    + """
const found = new Map(), base = canvas();
for (const element of document.body.querySelectorAll(':not(svg *)')) {
  const text = [...element.childNodes].filter(n => n.nodeType === Node.TEXT_NODE).map(n => n.data.trim()).join(' ').trim();
  if (!text || !element.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
  const chain = [];
  for (let e = element; e; e = e.parentElement) chain.unshift(e);
  const ink = rgba(getComputedStyle(element).webkitTextFillColor);
  const ratio = Math.min(...seen(chain, base, ink).map(contrast));
  const kind = `${name(element)} ${ratio.toFixed(2)}:1`;
  if (!found.has(kind)) found.set(kind, [ratio, `${kind} "${text.slice(0, 40)}"`]);
}
return [...found.values()];
"""
)

# Two frames after the click the scroll is done; without `auto`, a page may take its time over it.
DEAD_ANCHORS = """
const done = arguments[0], found = [];
document.documentElement.style.scrollBehavior = 'auto';
const frame = () => new Promise(requestAnimationFrame);
(async () => {
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    const address = link.getAttribute('href'), id = decodeURIComponent(address.slice(1));
    const target = document.getElementById(id) || (['', 'top'].includes(id) ? document.documentElement : null);
    const below = target && target.getBoundingClientRect().top + scrollY > innerHeight;
    scrollTo(0, below ? 0 : document.documentElement.scrollHeight);  // start away from it
    link.click();
    await frame(); await frame();
    const box = target && target.checkVisibility() ? target.getBoundingClientRect() : null;
    if (!box || box.top < -1 || box.top >= innerHeight) found.push(address);
  }
  done(found);
})();
"""

# Heads of folded parts with no mark before their text, or the same one open and closed.
UNMARKED = """
const mark = head => getComputedStyle(head).display === 'list-item'
  ? getComputedStyle(head).listStyleType : getComputedStyle(head, '::before').content;
const marks = head => [true, false].map(open => { head.parentElement.open = open; return mark(head); });
return [...document.querySelectorAll('summary')].filter(head => {
  const [open, closed] = marks(head);
  return open === closed || [open, closed].includes('none');
}).map(head => head.textContent.trim());
"""
