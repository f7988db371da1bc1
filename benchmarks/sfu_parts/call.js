// A page that publishes its camera and microphone, and watches on connections of their own.
const LAYERS = [
  { rid: "h", maxBitrate: 1_500_000 },
  { rid: "m", maxBitrate: 600_000, scaleResolutionDownBy: 2 },
  { rid: "l", maxBitrate: 200_000, scaleResolutionDownBy: 4 },
];
const ICE_MS = 20_000;
let publishing;
const viewers = new Map();

async function connected(connection) {
  for (const end = performance.now() + ICE_MS; connection.connectionState !== "connected"; ) {
    if (performance.now() > end) throw new Error(`the connection is ${connection.connectionState}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

window.offer = async ({ codec, mode, width, height }) => {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    video: { width, height, frameRate: 25 },
  });
  publishing = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  publishing.addTransceiver(stream.getAudioTracks()[0], { direction: "sendonly" });
  const sendEncodings = LAYERS.map((layer) => ({ ...layer, ...(mode ? { scalabilityMode: mode } : {}) }));
  const video = publishing.addTransceiver(stream.getVideoTracks()[0], { direction: "sendonly", sendEncodings });
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
  const viewer = { connection: new RTCPeerConnection(), pictures: [], first: null, beganMs };
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
