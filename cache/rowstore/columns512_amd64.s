//go:build amd64 && !purego

#include "go_asm.h"
#include "textflag.h"

// Columns of the 16 gaps at off(SI), to off*4(DI). Z22 is the column before them and becomes the last of them. A product of
// bytes with weights 0 and 1 sums up the gaps up to each lane; Z20 has what is to be added for their bias.
#define COLUMNS16(off, STORE) \
	VMOVDQA32     Z20, Z0               \
	VPDPBUSD.BCST off+0(SI), Z16, Z0    \
	VPDPBUSD.BCST off+4(SI), Z17, Z0    \
	VPDPBUSD.BCST off+8(SI), Z18, Z0    \
	VPDPBUSD.BCST off+12(SI), Z19, Z0   \
	VPERMD        Z0, Z21, Z1           \
	VPADDD        Z22, Z0, Z0           \
	VPADDD        Z22, Z1, Z22          \
	VPMINUD       Z24, Z0, Z0           \
	VPMINUD       Z24, Z22, Z22         \
	STORE         Z0, (off*4)(DI)

// func columns512(idx []int32, gaps, escapes []byte, last uint32, stream bool, c *laneConstants)
//
// Whatever the bytes, no column is larger than last, and none smaller than the one before it. It begins with as many as
// stand before the next line of memory, so that stores are of whole lines.
TEXT ·columns512(SB), NOSPLIT, $0-88
	MOVQ idx_base+0(FP), DI
	MOVQ idx_len+8(FP), CX
	MOVQ gaps_base+24(FP), SI
	MOVQ escapes_base+48(FP), R8
	MOVQ escapes_len+56(FP), R9
	ADDQ R8, R9

	MOVBLZX      stream+76(FP), R13
	MOVQ         c+80(FP), AX
	VMOVDQU32    laneConstants_weights(AX), Z16
	VMOVDQU32    (laneConstants_weights+64)(AX), Z17
	VMOVDQU32    (laneConstants_weights+128)(AX), Z18
	VMOVDQU32    (laneConstants_weights+192)(AX), Z19
	VMOVDQU32    laneConstants_bias(AX), Z20
	MOVL         $15, AX
	VPBROADCASTD AX, Z21
	MOVL         $-1, AX
	VPBROADCASTD AX, Z22
	MOVL         $127, AX               // escape
	VPBROADCASTB AX, Z23
	MOVL         last+72(FP), AX
	VPBROADCASTD AX, Z24
	MOVL         $129, AX               // gapBias + 1
	VPBROADCASTD AX, Z25
	MOVL         $65535, AX             // longEscape
	VPBROADCASTD AX, Z26
	MOVL         $1, AX
	VPBROADCASTD AX, Z27
	VPXORD       Z28, Z28, Z28

	MOVQ    DI, BX
	NEGQ    BX
	ANDQ    $63, BX
	SHRQ    $2, BX
	CMPQ    CX, BX
	CMOVQLT CX, BX
	TESTQ   BX, BX
	JNZ     several

columns64:
	CMPQ      CX, $64
	JLT       columns16
	VMOVDQU8  (SI), Z0
	VPCMPEQB  Z23, Z0, K1
	KORTESTQ  K1, K1
	JNZ       careful
	TESTL     R13, R13
	JNZ       stream64
	COLUMNS16(0, VMOVDQA32)
	COLUMNS16(16, VMOVDQA32)
	COLUMNS16(32, VMOVDQA32)
	COLUMNS16(48, VMOVDQA32)

next64:
	ADDQ      $64, SI
	ADDQ      $256, DI
	SUBQ      $64, CX
	JMP       columns64

stream64:
	COLUMNS16(0, VMOVNTDQ)
	COLUMNS16(16, VMOVNTDQ)
	COLUMNS16(32, VMOVNTDQ)
	COLUMNS16(48, VMOVNTDQ)
	JMP       next64

columns16:
	CMPQ     CX, $16
	JLT      careful
	VMOVDQU8 (SI), X0
	VPCMPEQB X23, X0, K1
	KORTESTW K1, K1
	JNZ      careful
	TESTL    R13, R13
	JNZ      stream16
	COLUMNS16(0, VMOVDQA32)

next16:
	ADDQ     $16, SI
	ADDQ     $64, DI
	SUBQ     $16, CX
	JMP      columns16

stream16:
	COLUMNS16(0, VMOVNTDQ)
	JMP      next16

// Up to 16 gaps, with escapes among them: these take the place of their bytes before sums are made, in four steps.
careful:
	TESTQ      CX, CX
	JLE        done
	MOVQ       $16, BX
	CMPQ       CX, BX
	CMOVQLT    CX, BX

several:
	MOVL       $-1, AX
	BZHIL      BX, AX, AX
	KMOVW      AX, K4
	VMOVDQU8.Z (SI), K4, X0
	VPCMPEQB   X23, X0, K4, K1
	VPMOVSXBD  X0, Z0
	VPADDD.Z   Z25, Z0, K4, Z0
	KMOVW      K1, AX
	TESTL      AX, AX
	JZ         sum
	POPCNTL    AX, DX
	LEAQ       (R8)(DX*2), R10
	CMPQ       R10, R9
	JGT        single
	MOVL       $-1, AX
	BZHIL      DX, AX, AX
	KMOVD      AX, K2
	VMOVDQU16.Z (R8), K2, Y1
	VPMOVZXWD  Y1, Z1
	VPCMPEQD   Z26, Z1, K3
	KORTESTW   K3, K3
	JNZ        single
	MOVQ       R10, R8
	VPADDD     Z27, Z1, Z1
	VPEXPANDD  Z1, K1, Z0

sum:
	VALIGND   $15, Z28, Z0, Z1
	VPADDD    Z1, Z0, Z0
	VALIGND   $14, Z28, Z0, Z1
	VPADDD    Z1, Z0, Z0
	VALIGND   $12, Z28, Z0, Z1
	VPADDD    Z1, Z0, Z0
	VALIGND   $8, Z28, Z0, Z1
	VPADDD    Z1, Z0, Z0
	VPADDD    Z22, Z0, Z0
	VPMINUD   Z24, Z0, Z0
	VPERMD    Z0, Z21, Z22
	VMOVDQU32 Z0, K4, (DI)
	ADDQ      BX, SI
	LEAQ      (DI)(BX*4), DI
	SUBQ      BX, CX
	JMP       columns64

// Up to 16 gaps one by one: some escape is a long one. Escapes that are not there are gaps of 0.
single:
	VMOVD   X22, AX
	MOVLQSX AX, AX
	VMOVD   X24, R12
	SUBQ    BX, CX

next:
	MOVBQSX (SI), DX
	INCQ    SI
	CMPQ    DX, $127
	JNE     short
	XORL    DX, DX
	LEAQ    2(R8), R10
	CMPQ    R10, R9
	JGT     taken
	MOVWLZX (R8), DX
	CMPL    DX, $65535
	JNE     taken2
	XORL    DX, DX
	LEAQ    6(R8), R10
	CMPQ    R10, R9
	JGT     taken
	MOVL    2(R8), DX

taken2:
	MOVQ R10, R8

taken:
	SUBQ $128, DX

short:
	LEAQ    129(AX)(DX*1), AX
	CMPQ    AX, R12
	CMOVQGT R12, AX
	MOVL    AX, (DI)
	ADDQ    $4, DI
	DECQ    BX
	JNZ     next
	VPBROADCASTD AX, Z22
	JMP     columns64

done:
	VZEROUPPER
	RET
