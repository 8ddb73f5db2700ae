import { expect, it } from 'vitest';
import { isPush, RespFrames, wordsOf } from './resp-frames.js';

const values = [
  '+OK\r\n',
  '-NOSCRIPT No matching script.\r\n',
  ':42\r\n',
  '$-1\r\n',
  '*-1\r\n',
  '_\r\n',
  '$8\r\nab\r\ncd\r\n\r\n',
  '*0\r\n',
  '*2\r\n$3\r\nGET\r\n*2\r\n:1\r\n$0\r\n\r\n',
  '%1\r\n+proto\r\n:3\r\n',
  '|1\r\n+ttl\r\n:3\r\n$1\r\nx\r\n',
  '>3\r\n+message\r\n+stop\r\n$2\r\nid\r\n',
];

it('cuts a stream into whole values, wherever the network cuts it', () => {
  const stream = Buffer.from(values.join(''));
  for (const size of [1, 2, 3, 7, stream.length]) {
    const frames = new RespFrames();
    const cut: string[] = [];
    for (let at = 0; at < stream.length; at += size)
      cut.push(...frames.push(stream.subarray(at, at + size)).map((frame) => frame.toString()));
    expect(cut).toEqual(values);
  }
});

it('reads the words of a request and knows a push message', () => {
  expect(wordsOf(Buffer.from('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n'))).toEqual(['SET', 'k', 'a\r\nb']);
  expect(values.map((value) => isPush(Buffer.from(value))).lastIndexOf(true)).toBe(values.length - 1);
  expect(values.filter((value) => isPush(Buffer.from(value)))).toHaveLength(1);
});
