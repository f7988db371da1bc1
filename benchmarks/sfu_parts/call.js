// A page that publishes its camera and microphone, and watches on connections of their own.
const LAYERS = [
  { rid: "h", maxBitrate: 1_500_000 },
  { rid: "m", maxBitrate: 600_000, scaleResolutionDownBy: 2 },
  { rid: "l", maxBitrate: 200_000, scaleResolutionDownBy: 4 },
];
const ONE_BPS = 2_000_000;
const ICE_MS = 20_000;
let publishing;
const viewers = new Map();

async function connected(connection) {
  for (const end = performance.now() + ICE_MS; connection.connectionState !== "connected"; ) {
    if (performance.now() > end) throw new Error(`the connection is ${connection.connectionState}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

// Pictures that carry their number: white, black, 16 bits, their parity, its inverse.
const COLUMNS = 20;
function numbered(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const paint = canvas.getContext("2d");
  let number = 0;
  setInterval(() => {
    number = (number + 1) % 65536;
    const bits = [...number.toString(2).padStart(16, "0")].map(Number);
    const parity = bits.reduce((sum, bit) => sum ^ bit);
    [1, 0, ...bits, parity, 1 - parity].forEach((bit, at) => {
      paint.fillStyle = bit ? "#fff" : "#000";
      paint.fillRect((at * width) / COLUMNS, 0, width / COLUMNS + 1, height);
    });
    window.lastSent = number;
  }, 40);
  return canvas.captureStream(25).getVideoTracks()[0];
}

const reader = new OffscreenCanvas(8 * COLUMNS, 8).getContext("2d", { willReadFrequently: true });
function numberOf(video) {
  reader.drawImage(video, 0, 0, 8 * COLUMNS, 8);
  const { data } = reader.getImageData(0, 4, 8 * COLUMNS, 1);
  const bits = Array.from({ length: COLUMNS }, (_, at) => (data[4 * (8 * at + 4)] > 128 ? 1 : 0));
  const inner = bits.slice(2, -2);
  const parity = inner.reduce((sum, bit) => sum ^ bit);
  const whole = bits[0] === 1 && bits[1] === 0 && bits.at(-2) === parity && bits.at(-1) === 1 - parity;
  return whole ? Number.parseInt(inner.join(""), 2) : -1;
}

window.offer = async ({ codec, mode, width, height, bars, one }) => {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    video: { width, height, frameRate: 25 },
  });
  publishing = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  publishing.addTransceiver(stream.getAudioTracks()[0], { direction: "sendonly" });
  const sendEncodings = one ? [{ maxBitrate: ONE_BPS, scalabilityMode: mode }] : LAYERS.map((layer) => ({ ...layer, ...(mode ? { scalabilityMode: mode } : {}) }));
  const pictures = bars ? numbered(width, height) : stream.getVideoTracks()[0];
  const video = publishing.addTransceiver(pictures, { direction: "sendonly", sendEncodings });
  if (codec) {
    const all = RTCRtpSender.getCapabilities("video").codecs;
    video.setCodecPreferences(all.filter((each) => each.mimeType === `video/${codec}` || each.mimeType === "video/rtx"));
  }
  await publishing.setLocalDescription(await publishing.createOffer());
  return publishing.localDescription.sdp;
};

window.answered = async (sdp) => {
  await publishing.setRemoteDescription({ type: "answer", sdp });
  await connected(publishing);
};

window.watch = async ({ who, sdp, beganMs }) => {
  viewers.get(who)?.connection.close();
  const viewer = { connection: new RTCPeerConnection(), pictures: [], numbers: [], first: null, beganMs };
  viewers.set(who, viewer);
  viewer.connection.addEventListener("track", ({ track, transceiver }) => {
    const element = document.createElement(track.kind);
    Object.assign(element, { muted: track.kind === "video", autoplay: true, srcObject: new MediaStream([track]) });
    Object.assign(element.style, { width: "320px" });
    document.body.append(element);
    void element.play();
    if (transceiver.mid !== "v0") return;
    const look = (_, { presentationTime, presentedFrames, width }) => {
      viewer.first ??= performance.timeOrigin + performance.now() - viewer.beganMs;
      viewer.pictures.push([presentationTime, presentedFrames, width]);
      if (window.lastSent !== undefined) viewer.numbers.push([numberOf(element), window.lastSent]);
      element.requestVideoFrameCallback(look);
    };
    element.requestVideoFrameCallback(look);
  });
  await viewer.connection.setRemoteDescription({ type: "offer", sdp });
  await viewer.connection.setLocalDescription(await viewer.connection.createAnswer());
  return viewer.connection.localDescription.sdp;
};

window.width = (who) => viewers.get(who).pictures.at(-1)?.[2];
window.pictures = (who) => viewers.get(who).pictures.splice(0);
window.numbers = (who) => viewers.get(who).numbers;
window.first = (who) => viewers.get(who).first;
window.leave = (who) => {
  viewers.get(who).connection.close();
  viewers.delete(who);
  for (const element of document.querySelectorAll("video, audio")) element.remove();
};

window.reports = async (who) => {
  const found = [];
  (await viewers.get(who).connection.getStats()).forEach((report) => {
    if (report.type === "inbound-rtp") found.push(report);
  });
  return found;
};
