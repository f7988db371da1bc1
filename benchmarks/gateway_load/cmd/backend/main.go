// A gRPC server of bytes, cheaper than any gateway before it: it echoes, and it streams.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"strconv"

	"google.golang.org/grpc"
)

// bytesCodec passes messages as they are.
type bytesCodec struct{}

func (bytesCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (bytesCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = data
	return nil
}
func (bytesCodec) Name() string { return "proto" }

func receive(stream grpc.ServerStream) ([]byte, error) {
	var message []byte
	err := stream.RecvMsg(&message)
	return message, err
}

// echo answers a message with itself.
func echo(_ any, stream grpc.ServerStream) error {
	message, err := receive(stream)
	if err != nil {
		return err
	}
	return stream.SendMsg(&message)
}

// many answers "COUNT" with so many messages of 100 bytes.
func many(_ any, stream grpc.ServerStream) error {
	text, err := receive(stream)
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(string(text))
	if err != nil {
		return err
	}
	message := make([]byte, 100)
	for range count {
		if err := stream.SendMsg(&message); err != nil {
			return err
		}
	}
	return nil
}

// both answers each message with itself, as it comes.
func both(_ any, stream grpc.ServerStream) error {
	for {
		message, err := receive(stream)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.SendMsg(&message); err != nil {
			return err
		}
	}
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	flag.Parse()
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(grpc.ForceServerCodec(bytesCodec{}))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "test.v1.EchoService",
		HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{
			{StreamName: "Echo", Handler: echo, ServerStreams: true},
			{StreamName: "Many", Handler: many, ServerStreams: true},
			{StreamName: "Both", Handler: both, ServerStreams: true, ClientStreams: true},
		},
	}, struct{}{})
	fmt.Println(listener.Addr())
	log.Fatal(server.Serve(listener))
}
