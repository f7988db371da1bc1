package main

import (
	"fmt"
	"log"
	"sync/atomic"

	"github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

type liveTrack struct{ track *lksdk.LocalTrack }

func (writer liveTrack) WriteRTP(packet *rtp.Packet) error { return writer.track.WriteRTP(packet, nil) }

func join(who string, callback *lksdk.RoomCallback) *lksdk.Room {
	info := lksdk.ConnectInfo{APIKey: *key, APISecret: *secret, RoomName: "load", ParticipantIdentity: who}
	room, err := lksdk.ConnectToRoom(*url, info, callback)
	if err != nil {
		log.Fatal(err)
	}
	return room
}

func livekitOptions() *lksdk.TrackPublicationOptions {
	return &lksdk.TrackPublicationOptions{Name: "video", Source: livekit.TrackSource_CAMERA, VideoWidth: 1280, VideoHeight: 720}
}

func livekitServer(tallies []*Tally, measuring *atomic.Bool, stop <-chan struct{}) <-chan int {
	publisher := join("publisher", &lksdk.RoomCallback{})
	track, err := lksdk.NewLocalTrack(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000})
	must(err)
	ready := make(chan struct{})
	track.OnBind(func() { close(ready) })
	_, err = publisher.LocalParticipant.PublishTrack(track, livekitOptions())
	must(err)
	<-ready
	sent := publish(liveTrack{track}, measuring, stop)
	for at, tally := range tallies {
		callback := &lksdk.RoomCallback{ParticipantCallback: lksdk.ParticipantCallback{
			OnTrackSubscribed: func(remote *webrtc.TrackRemote, _ *lksdk.RemoteTrackPublication, _ *lksdk.RemoteParticipant) {
				for {
					packet, _, err := remote.ReadRTP()
					if err != nil {
						return
					}
					tally.Take(packet.Payload, measuring.Load())
				}
			},
		}}
		join(fmt.Sprintf("s%d", at), callback)
	}
	return sent
}
