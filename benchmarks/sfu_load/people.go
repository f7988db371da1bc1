package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// A review: some of the people publish three layers of pictures and sound, everybody watches. A layer's pictures are so
// many packets of so many bytes, 25 times a second: 1.5 Mb/s, 600 kb/s and 200 kb/s.
var layers = []struct {
	rid     string
	packets int
	size    int
}{{"h", 7, 1071}, {"m", 3, 1000}, {"l", 1, 1000}}

const (
	pictures   = 25
	keyframes  = 4 * pictures
	soundEvery = 20 * time.Millisecond
	soundSize  = 80
	joinLimit  = 90 * time.Second
)

// Arrived is what one track of one person received: what is missing of its numbers was lost.
type Arrived struct {
	mutex         sync.Mutex
	seen          atomic.Int64
	begun         bool
	first, last   uint16
	count, cycles int
	latencies     []time.Duration
}

func (arrived *Arrived) take(packet *rtp.Packet, measuring bool) {
	size := len(packet.Payload)
	if size < 9 {
		return
	}
	arrived.seen.Add(1)
	if !measuring {
		return
	}
	passed := time.Duration(time.Now().UnixNano() - int64(binary.BigEndian.Uint64(packet.Payload[size-8:])))
	arrived.mutex.Lock()
	defer arrived.mutex.Unlock()
	if !arrived.begun {
		arrived.begun, arrived.first, arrived.last = true, packet.SequenceNumber, packet.SequenceNumber
	}
	if ahead := int16(packet.SequenceNumber - arrived.last); ahead > 0 {
		if packet.SequenceNumber < arrived.last {
			arrived.cycles++
		}
		arrived.last = packet.SequenceNumber
	}
	arrived.count++
	arrived.latencies = append(arrived.latencies, passed)
}

func (arrived *Arrived) lost() int {
	if !arrived.begun {
		return 0
	}
	return max(0, arrived.cycles<<16+int(arrived.last)-int(arrived.first)+1-arrived.count)
}

// Person watches: a picture that is large, others that are small, and sound.
type Person struct {
	mutex  sync.Mutex
	tracks []*Arrived
	large  atomic.Bool
}

func (person *Person) watch(api *webrtc.API, parent *Parent, who string, measuring *atomic.Bool) {
	subscriber := connection(api)
	subscriber.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		arrived := &Arrived{}
		person.mutex.Lock()
		person.tracks = append(person.tracks, arrived)
		person.mutex.Unlock()
		for {
			packet, _, err := remote.ReadRTP()
			if err != nil {
				return
			}
			if len(packet.Payload) > 9 && packet.Payload[len(packet.Payload)-9] == 'h' {
				person.large.Store(true)
			}
			arrived.take(packet, measuring.Load())
		}
	})
	offered := parent.Ask(map[string]any{"do": "subscribe", "who": who})
	must(subscriber.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offered["sdp"]}))
	answer, err := subscriber.CreateAnswer(nil)
	must(err)
	parent.Ask(map[string]any{"do": "accept", "who": who, "sdp": described(subscriber, answer)})
}

func peopleAPI() *webrtc.API {
	media := &webrtc.MediaEngine{}
	feedback := []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}}
	video := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: feedback}
	sound := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	must(media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: video, PayloadType: 96}, webrtc.RTPCodecTypeVideo))
	must(media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: sound, PayloadType: 111}, webrtc.RTPCodecTypeAudio))
	must(webrtc.ConfigureSimulcastExtensionHeaders(media))
	registry := &interceptor.Registry{}
	must(webrtc.ConfigureNack(media, registry))
	must(webrtc.ConfigureRTCPReports(registry))
	if *wide {
		must(webrtc.ConfigureTWCCSender(media, registry))
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(loopback()))
}

// publishing sends three layers and sound, until the process ends.
func publishing(api *webrtc.API, parent *Parent, who string, offset time.Duration) {
	publisher := connection(api)
	capability := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}
	tracks := []*webrtc.TrackLocalStaticRTP{}
	var sender *webrtc.RTPSender
	for at, layer := range layers {
		track, err := webrtc.NewTrackLocalStaticRTP(capability, "video", who, webrtc.WithRTPStreamID(layer.rid))
		must(err)
		tracks = append(tracks, track)
		if at > 0 {
			must(sender.AddEncoding(track))
			continue
		}
		way := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}
		transceiver, err := publisher.AddTransceiverFromTrack(track, way)
		must(err)
		sender = transceiver.Sender()
	}
	sound, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "sound", who)
	must(err)
	_, err = publisher.AddTransceiverFromTrack(sound, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	must(err)
	ready := make(chan struct{}, 1)
	publisher.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			ready <- struct{}{}
		}
	})
	offer, err := publisher.CreateOffer(nil)
	must(err)
	answer := parent.Ask(map[string]any{"do": "publish", "who": who, "sdp": described(publisher, offer)})
	must(publisher.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer["sdp"]}))
	<-ready
	mid, rid := uint8(0), uint8(0)
	for _, extension := range sender.GetParameters().HeaderExtensions {
		switch extension.URI {
		case "urn:ietf:params:rtp-hdrext:sdes:mid":
			mid = uint8(extension.ID)
		case "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id":
			rid = uint8(extension.ID)
		}
	}
	go sendPictures(tracks, mid, rid, offset)
	go sendSound(sound, offset)
}

func stamped(size int, mark byte) []byte {
	payload := make([]byte, size)
	payload[size-9] = mark
	binary.BigEndian.PutUint64(payload[size-8:], uint64(time.Now().UnixNano()))
	return payload
}

func sendPictures(tracks []*webrtc.TrackLocalStaticRTP, mid, rid uint8, offset time.Duration) {
	sequences := make([]uint16, len(layers))
	begun := time.Now().Add(offset)
	for number := 0; ; number++ {
		time.Sleep(time.Until(begun.Add(time.Duration(number) * time.Second / pictures)))
		for at, layer := range layers {
			for index := range layer.packets {
				payload := stamped(layer.size, layer.rid[0])
				copy(payload, []byte{0x80, 0xe0, 0x80 | byte(number>>8&0x7f), byte(number), byte(number), 0, 0x11})
				if index == 0 {
					payload[0] |= 0x10
					if number%keyframes == 0 {
						copy(payload[descriptor:], []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02})
					}
				}
				sequences[at]++
				packet := &rtp.Packet{Header: rtp.Header{
					Version: 2, SequenceNumber: sequences[at], Timestamp: uint32(number) * 90000 / pictures,
					Marker: index == layer.packets-1,
				}, Payload: payload}
				must(packet.SetExtension(mid, []byte("0")))
				must(packet.SetExtension(rid, []byte(layer.rid)))
				must(tracks[at].WriteRTP(packet))
			}
		}
	}
}

func sendSound(track *webrtc.TrackLocalStaticRTP, offset time.Duration) {
	begun := time.Now().Add(offset)
	for number := 0; ; number++ {
		time.Sleep(time.Until(begun.Add(time.Duration(number) * soundEvery)))
		header := rtp.Header{Version: 2, SequenceNumber: uint16(number), Timestamp: uint32(number) * 960, Marker: number == 0}
		must(track.WriteRTP(&rtp.Packet{Header: header, Payload: stamped(soundSize, 's')}))
	}
}

// review is the whole of it, and prints what it measured.
func review(parent *Parent) {
	api := peopleAPI()
	var measuring atomic.Bool
	for at := range *publishers {
		publishing(api, parent, fmt.Sprintf("p%d", at), time.Duration(at)*time.Second/pictures/time.Duration(*publishers))
	}
	people := make([]*Person, *subscribers)
	for at := range people {
		people[at] = &Person{}
		people[at].watch(api, parent, fmt.Sprintf("p%d", at), &measuring)
	}
	for deadline := time.Now().Add(joinLimit); ; time.Sleep(50 * time.Millisecond) {
		missing := 0
		for _, person := range people {
			if !person.large.Load() {
				missing++
			}
		}
		if missing == 0 {
			break
		}
		if time.Now().After(deadline) {
			log.Fatalf("%d of %d do not see who speaks large", missing, len(people))
		}
	}
	time.Sleep(time.Second)
	parent.Ask(map[string]any{"do": "begin"})
	before := own()
	measuring.Store(true)
	time.Sleep(time.Duration(*seconds) * time.Second)
	measuring.Store(false)
	spent := own() - before
	parent.Ask(map[string]any{"do": "end"})
	received, lost, latencies := 0, 0, []time.Duration{}
	for _, person := range people {
		person.mutex.Lock()
		for _, arrived := range person.tracks {
			arrived.mutex.Lock()
			received += arrived.count
			lost += arrived.lost()
			latencies = append(latencies, arrived.latencies...)
			arrived.mutex.Unlock()
		}
		person.mutex.Unlock()
	}
	slices.Sort(latencies)
	at := func(share float64) float64 {
		if len(latencies) == 0 {
			return -1
		}
		return float64(latencies[int(share*float64(len(latencies)-1))].Microseconds()) / 1000
	}
	line, _ := json.Marshal(map[string]any{
		"received": received, "lost": lost, "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1),
		"generator_cpu_s": spent.Seconds(),
	})
	fmt.Println(string(line))
	os.Exit(0)
}
