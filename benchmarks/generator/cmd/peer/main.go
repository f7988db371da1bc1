// Command peer is the other side of the comparison: a server on the Centrifuge library with one channel whose
// publications have history, and a write delay that lets many share a frame.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/centrifugal/centrifuge"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:9100", "address")
	delay := flag.Duration("write-delay", 25*time.Millisecond, "how long messages are collected for one write")
	perFrame := flag.Int("frame", 512, "most messages in a frame")
	flag.Parse()
	node, err := centrifuge.New(centrifuge.Config{LogLevel: centrifuge.LogLevelError})
	if err != nil {
		log.Fatal(err)
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Credentials:        &centrifuge.Credentials{UserID: "bench"},
			WriteDelay:         *delay,
			MaxMessagesInFrame: *perFrame,
		}, nil
	})
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnSubscribe(func(event centrifuge.SubscribeEvent, done centrifuge.SubscribeCallback) {
			recovery := event.Channel != "presence"
			done(centrifuge.SubscribeReply{Options: centrifuge.SubscribeOptions{EnableRecovery: recovery}}, nil)
		})
		client.OnPublish(func(event centrifuge.PublishEvent, done centrifuge.PublishCallback) {
			if event.Channel == "presence" {
				done(centrifuge.PublishReply{}, nil)
				return
			}
			done(centrifuge.PublishReply{Options: centrifuge.PublishOptions{HistorySize: 10_000, HistoryTTL: time.Hour}}, nil)
		})
	})
	if err := node.Run(); err != nil {
		log.Fatal(err)
	}
	http.Handle("/connection/websocket", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		CheckOrigin: func(*http.Request) bool { return true }, WriteTimeout: 10 * time.Second}))
	log.Fatal(http.ListenAndServe(*listen, nil))
}
