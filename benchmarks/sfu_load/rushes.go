package main

import (
	"fmt"
	"log"
	"sync/atomic"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"
)

func api() *webrtc.API {
	media := &webrtc.MediaEngine{}
	feedback := []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}}
	video := webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: feedback},
		PayloadType:        96,
	}
	if err := media.RegisterCodec(video, webrtc.RTPCodecTypeVideo); err != nil {
		log.Fatal(err)
	}
	registry := &interceptor.Registry{}
	if err := webrtc.ConfigureNack(media, registry); err != nil {
		log.Fatal(err)
	}
	must(webrtc.ConfigureRTCPReports(registry))
	if *wide {
		must(webrtc.ConfigureTWCCSender(media, registry))
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(loopback()))
}

func loopback() webrtc.SettingEngine {
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	return settings
}

func connection(api *webrtc.API) *webrtc.PeerConnection {
	made, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		log.Fatal(err)
	}
	return made
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// described sets a description of one's own, waits for the candidates, and gives it.
func described(peer *webrtc.PeerConnection, description webrtc.SessionDescription) string {
	gathered := webrtc.GatheringCompletePromise(peer)
	must(peer.SetLocalDescription(description))
	<-gathered
	return peer.LocalDescription().SDP
}

func rushes(parent *Parent, tallies []*Tally, measuring *atomic.Bool, stop <-chan struct{}) <-chan int {
	api := api()
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
	answer := parent.Ask(map[string]any{"do": "publish", "who": "publisher", "sdp": described(publisher, offer)})
	must(publisher.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer["sdp"]}))
	<-ready
	sent := publish(track, measuring, stop)
	for at, tally := range tallies {
		watch(api, parent, fmt.Sprintf("s%d", at), tally, measuring)
	}
	return sent
}

func watch(api *webrtc.API, parent *Parent, who string, tally *Tally, measuring *atomic.Bool) {
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
	offered := parent.Ask(map[string]any{"do": "subscribe", "who": who})
	must(subscriber.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offered["sdp"]}))
	answer, err := subscriber.CreateAnswer(nil)
	must(err)
	parent.Ask(map[string]any{"do": "accept", "who": who, "sdp": described(subscriber, answer)})
}
