// SPDX-License-Identifier: GPL-2.0
#include "../wire.h"

#include <gtest/gtest.h>

namespace raceless::wire {
namespace {

std::vector<Frame> decode_all(Decoder& decoder) {
  std::vector<Frame> frames;
  while (auto frame = decoder.next()) frames.push_back(*frame);
  return frames;
}

TEST(Wire, CarriesEveryByteValueInAnyPieces) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  Encoder encoder;
  std::string stream = encoder.encode(Type::Out, all);
  stream += encoder.encode(Type::Err, "");
  stream += encoder.encode(Type::Out, std::string(max_payload_bytes, 'x'));
  Decoder decoder;
  std::vector<Frame> frames;
  for (char byte : stream) {
    decoder.feed({&byte, 1});
    for (Frame& frame : decode_all(decoder)) frames.push_back(std::move(frame));
  }
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0].payload, all);
  EXPECT_EQ(frames[1].type, Type::Err);
  EXPECT_EQ(frames[2].payload.size(), max_payload_bytes);
  EXPECT_EQ(decoder.damage(), "");
  EXPECT_EQ(decoder.pending_bytes(), 0u);
}

TEST(Wire, NoticesEveryFlippedBit) {
  Encoder encoder;
  const std::string stream = encoder.encode(Type::End, "status=0\n");
  for (std::size_t bit = 0; bit < stream.size() * 8; ++bit) {
    std::string damaged = stream;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    Decoder decoder;
    decoder.feed(damaged);
    // A longer length waits for bytes that never come; anything else is damage.
    EXPECT_FALSE(decoder.next().has_value()) << "bit " << bit;
  }
}

TEST(Wire, NoticesALostFrame) {
  Encoder encoder;
  std::string stream = encoder.encode(Type::Out, "a");
  (void)encoder.encode(Type::Out, "b");
  stream += encoder.encode(Type::Out, "c");
  Decoder decoder;
  decoder.feed(stream);
  EXPECT_EQ(decode_all(decoder).size(), 1u);
  EXPECT_NE(decoder.damage().find("frame 2 where frame 1 was due"), std::string::npos);
}

TEST(Wire, NoticesARepeatedFrame) {
  Encoder encoder;
  std::string frame = encoder.encode(Type::Out, "a");
  Decoder decoder;
  decoder.feed(frame + frame);
  EXPECT_EQ(decode_all(decoder).size(), 1u);
  EXPECT_FALSE(decoder.damage().empty());
}

TEST(Wire, NoticesForeignBytesAndStaysDamaged) {
  Encoder encoder;
  Decoder decoder;
  decoder.feed("hello, this is no frame");
  EXPECT_FALSE(decoder.next().has_value());
  EXPECT_FALSE(decoder.damage().empty());
  decoder.feed(encoder.encode(Type::Out, "a"));
  EXPECT_FALSE(decoder.next().has_value());
}

TEST(Wire, FieldsSurviveTheWayThere) {
  Fields fields = {{"status", "3"}, {"results", "lost: why=not"}, {"empty", ""}};
  EXPECT_EQ(decode_fields(encode_fields(fields)), fields);
}

TEST(Wire, NumbersAreWholeOrNothing) {
  Fields fields = decode_fields("a=12\nb=-3\nc=1x\nd=\nno equals sign\n");
  EXPECT_EQ(number(fields, "a"), 12);
  EXPECT_EQ(number(fields, "b"), -3);
  EXPECT_FALSE(number(fields, "c"));
  EXPECT_FALSE(number(fields, "d"));
  EXPECT_FALSE(number(fields, "e"));
}

TEST(Wire, ExitCodesAreNoneOfQemusOwn) {
  for (int status = 0; status < 256; ++status) {
    EXPECT_GT(qemu_exit_status(status), 1);
    EXPECT_LT(qemu_exit_status(status), 256);
    EXPECT_EQ(qemu_exit_status(status) % 2, 1);
  }
  EXPECT_NE(qemu_exit_status(0), qemu_exit_status(1));
}

}  // namespace
}  // namespace raceless::wire
