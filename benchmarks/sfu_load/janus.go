package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"
)

const janusRoom = 7

type object = map[string]any

// Janus is a session of its HTTP interface: requests are answered at once, what comes of them by a long poll.
type Janus struct {
	session int64
	mutex   sync.Mutex
	waiting map[int64]chan object
	number  atomic.Int64
}

func janus() *Janus {
	made := &Janus{waiting: map[int64]chan object{}}
	made.session = id(made.post("", object{"janus": "create"}))
	go made.poll()
	return made
}

func id(answer object) int64 {
	data, found := answer["data"].(object)
	if !found {
		log.Fatalf("Janus: %v", answer)
	}
	return int64(data["id"].(float64))
}

func (peer *Janus) post(path string, body object) object {
	body["transaction"] = fmt.Sprint(peer.number.Add(1))
	sent, err := json.Marshal(body)
	must(err)
	answer, err := http.Post(*url+path, "application/json", bytes.NewReader(sent))
	must(err)
	defer answer.Body.Close()
	read := object{}
	must(json.NewDecoder(answer.Body).Decode(&read))
	if read["janus"] == "error" {
		log.Fatalf("Janus: %v", read)
	}
	return read
}

func (peer *Janus) poll() {
	for {
		answer, err := http.Get(fmt.Sprintf("%s/%d?maxev=1", *url, peer.session))
		must(err)
		event := object{}
		err = json.NewDecoder(answer.Body).Decode(&event)
		answer.Body.Close()
		must(err)
		sender, found := event["sender"].(float64)
		if event["janus"] != "event" || !found {
			continue
		}
		peer.mutex.Lock()
		waiting := peer.waiting[int64(sender)]
		peer.mutex.Unlock()
		select {
		case waiting <- event:
		default: // nobody waits for what else it tells
		}
	}
}

// attach is a way to the room, for one connection.
func (peer *Janus) attach() int64 {
	handle := id(peer.post(fmt.Sprintf("/%d", peer.session), object{"janus": "attach", "plugin": "janus.plugin.videoroom"}))
	peer.mutex.Lock()
	defer peer.mutex.Unlock()
	peer.waiting[handle] = make(chan object, 1)
	return handle
}

// ask sends a request and gives the event that answers it.
func (peer *Janus) ask(handle int64, body object, description *webrtc.SessionDescription) object {
	message := object{"janus": "message", "body": body}
	if description != nil {
		message["jsep"] = object{"type": description.Type.String(), "sdp": description.SDP}
	}
	peer.mutex.Lock()
	waiting := peer.waiting[handle]
	peer.mutex.Unlock()
	answer := peer.post(fmt.Sprintf("/%d/%d", peer.session, handle), message)
	if answer["janus"] == "success" {
		return answer
	}
	return <-waiting
}

func said(event object) string {
	description, found := event["jsep"].(object)
	if !found {
		log.Fatalf("Janus: %v", event)
	}
	return description["sdp"].(string)
}

func janusAPI() *webrtc.API {
	media := &webrtc.MediaEngine{}
	feedback := []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}}
	capability := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: feedback}
	must(media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: capability, PayloadType: 96}, webrtc.RTPCodecTypeVideo))
	registry := &interceptor.Registry{}
	must(webrtc.ConfigureNack(media, registry))
	must(webrtc.ConfigureRTCPReports(registry))
	settings := webrtc.SettingEngine{} // it does not listen on the loopback interface
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(settings))
}

func janusServer(tallies []*Tally, measuring *atomic.Bool, stop <-chan struct{}) <-chan int {
	api, peer := janusAPI(), janus()
	handle := peer.attach()
	peer.ask(handle, object{"request": "create", "room": janusRoom, "videocodec": "vp8", "publishers": 2, "bitrate": 0}, nil)
	publisher := connection(api)
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "video", "one")
	must(err)
	_, err = publisher.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	must(err)
	ready := make(chan struct{}, 1)
	publisher.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			ready <- struct{}{}
		}
	})
	offer, err := publisher.CreateOffer(nil)
	must(err)
	offer.SDP = described(publisher, offer)
	event := peer.ask(handle, object{"request": "joinandconfigure", "ptype": "publisher", "room": janusRoom}, &offer)
	must(publisher.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: said(event)}))
	feed := event["plugindata"].(object)["data"].(object)["id"]
	<-ready
	time.Sleep(time.Second) // until it has noticed too, it says that there is no such feed
	sent := publish(track, measuring, stop)
	for _, tally := range tallies {
		janusWatch(api, peer, feed, tally, measuring)
	}
	return sent
}

func janusWatch(api *webrtc.API, peer *Janus, feed any, tally *Tally, measuring *atomic.Bool) {
	subscriber := connection(api)
	subscriber.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			packet, _, err := remote.ReadRTP()
			if err != nil {
				return
			}
			tally.Take(packet.Payload, measuring.Load())
		}
	})
	handle := peer.attach()
	join := object{"request": "join", "ptype": "subscriber", "room": janusRoom, "streams": []object{{"feed": feed}}}
	event := peer.ask(handle, join, nil)
	must(subscriber.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: said(event)}))
	answer, err := subscriber.CreateAnswer(nil)
	must(err)
	answer.SDP = described(subscriber, answer)
	peer.ask(handle, object{"request": "start"}, &answer)
}
